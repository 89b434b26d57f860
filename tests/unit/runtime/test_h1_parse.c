/* HTTP/1.1 heads: what is one, what it means, and what is refused with which status. Each row is
 * parsed at once, cut at every point, and in pieces of every size; bytes that have not arrived
 * yet are noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "edge.h"
#include "http/h1_parse.h"

struct row {
    const char *name;
    struct str input;
    const char *expected;
};

#define ROW(name, input, expected)                                                                 \
    {                                                                                              \
        name, STR_INIT(input), expected                                                            \
    }
#define ROWS(rows) rows, sizeof(rows) / sizeof(rows)[0]

/* The smallest request, to hang other lines in. */
#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define OK "HTTP/1.1 200 OK\r\n"

static const struct h1_limits limits = {.line = 64, .fields = 512, .count = 40};

static const struct row good_requests[] = {
    ROW("9112 3: origin-form", GET "\r\n", "GET / a 1.1 none keep"),
    ROW("9112 3: path and query", "GET /a/b?c=d?e&f HTTP/1.1\r\nHost: x.y:80\r\n\r\n",
        "GET /a/b ?c=d?e&f x.y:80 1.1 none keep"),
    ROW("9112 3.2.1: empty query", "GET /? HTTP/1.1\r\nHost: a\r\n\r\n", "GET / ? a 1.1 none keep"),
    ROW("3986 3.3: all that a path may hold",
        "GET /-._~%20!$&'()*+,;=:@/[]{}|^` HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /-._~%20!$&'()*+,;=:@/[]{}|^` a 1.1 none keep"),
    ROW("9112 3.2.1: two slashes", "GET //evil/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET //evil/ a 1.1 none keep"),
    ROW("9112 3.2.2: absolute-form", "GET http://a/p?q HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /p ?q a 1.1 none keep"),
    ROW("9112 3.2.2: absolute-form without path", "GET HTTPS://a:1 HTTP/1.1\r\nHost: A:1\r\n\r\n",
        "GET / a:1 1.1 none keep"),
    ROW("9112 3.2.2: absolute-form, query without path",
        "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n", "GET / ?q a 1.1 none keep"),
    ROW("9112 3.2.3: authority-form", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        "CONNECT a:443 1.1 none keep"),
    ROW("9112 3.2.3: authority-form, IPv6", "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
        "CONNECT [::1]:443 1.1 none keep"),
    ROW("9112 3.2.4: asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * a 1.1 none keep"),
    ROW("9112 3.2.4: absolute-form of it", "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * a 1.1 none keep"),
    ROW("9110 9.1: a method nobody knows", "M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n",
        "M-SEARCH / a 1.1 none keep"),
    ROW("9110 9.1: methods have case", "get / HTTP/1.1\r\nHost: a\r\n\r\n",
        "get / a 1.1 none keep"),
    ROW("9112 2.2: two empty lines in front", "\r\n\r\n" GET "\r\n", "GET / a 1.1 none keep"),
    ROW("9112 9.3: HTTP/1.0 closes", "GET / HTTP/1.0\r\n\r\n", "GET / 1.0 none"),
    ROW("9112 9.3: HTTP/1.0 keep-alive",
        "GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n", "GET / a 1.0 none keep"),
    ROW("9112 9.6: close", GET "Connection: close\r\n\r\n", "GET / a 1.1 none"),
    ROW("9112 9.6: close in a list", GET "Connection: x , CLOSE,keep-alive\r\n\r\n",
        "GET / a 1.1 none"),
    ROW("9110 7.6.1: close in a second field", GET "Connection: x\r\nConnection: close\r\n\r\n",
        "GET / a 1.1 none"),
    ROW("9110 7.6.1: not the option close", GET "Connection: closed, xclose\r\n\r\n",
        "GET / a 1.1 none keep"),
    ROW("9112 6.2: Content-Length", POST "Content-Length: 5\r\n\r\nhello",
        "POST / a 1.1 length 5 keep"),
    ROW("9110 8.6: zero", POST "content-length:0\r\n\r\n", "POST / a 1.1 length 0 keep"),
    ROW("9110 8.6: leading zeros are digits", POST "Content-Length: 007\r\n\r\n",
        "POST / a 1.1 length 7 keep"),
    ROW("9110 8.6: the biggest", POST "Content-Length: 9223372036854775807\r\n\r\n",
        "POST / a 1.1 length 9223372036854775807 keep"),
    ROW("9110 5.5: white space around a value", POST "Content-Length: \t 5\t \r\n\r\n",
        "POST / a 1.1 length 5 keep"),
    ROW("9112 7.1: chunked", POST "Transfer-Encoding: chunked\r\n\r\n",
        "POST / a 1.1 chunked keep"),
    ROW("9112 7: codings have no case", POST "TRANSFER-encoding: cHUNKed \r\n\r\n",
        "POST / a 1.1 chunked keep"),
    ROW("9110 10.1.1: Expect", POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
        "POST / a 1.1 length 1 keep expect"),
    ROW("9110 10.1.1: empty elements", POST "Expect: ,100-continue\r\nContent-Length: 1\r\n\r\n",
        "POST / a 1.1 length 1 keep expect"),
    ROW("9110 10.1.1: nothing expected", POST "Expect:\r\nContent-Length: 1\r\n\r\n",
        "POST / a 1.1 length 1 keep"),
    ROW("9110 10.1.1: Expect without body", GET "Expect: 100-continue\r\n\r\n",
        "GET / a 1.1 none keep"),
    ROW("9110 10.1.1: Expect in HTTP/1.0",
        "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
        "POST / 1.0 length 1"),
    ROW("9110 7.8: Upgrade", GET "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "GET / a 1.1 none keep upgrade"),
    ROW("9110 7.8: Upgrade that Connection does not name", GET "Upgrade: websocket\r\n\r\n",
        "GET / a 1.1 none keep"),
    ROW("9110 7.8: Connection names what is not there", GET "Connection: upgrade\r\n\r\n",
        "GET / a 1.1 none keep"),
    ROW("9110 7.8: Upgrade in HTTP/1.0",
        "GET / HTTP/1.0\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "GET / 1.0 none"),
    ROW("9110 10.1.4: TE", GET "TE: gzip;q=0.5, trailers\r\n\r\n", "GET / a 1.1 none keep te"),
    ROW("9110 10.1.4: other TE", GET "TE: trailersx\r\n\r\n", "GET / a 1.1 none keep"),
    ROW("9110 5.1: all that a name may hold", GET "!#$%&'*+-.^`|~09azAZ: x\r\n\r\n",
        "GET / a 1.1 none keep"),
    ROW("9110 5.1: underscores are noticed", GET "X_Y: x\r\n\r\n",
        "GET / a 1.1 none keep underscores"),
    ROW("9110 5.5: empty value", GET "A:\r\nB: \r\n\r\n", "GET / a 1.1 none keep"),
    ROW("9110 5.5: obs-text and tabs in a value", GET "A: \x80\xff \"\t<\x7e\r\n\r\n",
        "GET / a 1.1 none keep"),
    ROW("9112 6.3: what follows is not ours", GET "\r\nGET / HTTP/1.1\r\n",
        "GET / a 1.1 none keep"),
    ROW("3986 3.2.2: Host with empty port", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n",
        "GET / a: 1.1 none keep"),
    ROW("3986 3.2.2: Host with everything",
        "GET / HTTP/1.1\r\nHost: A-1._~!$&'()*+;=%2f:65535\r\n\r\n",
        "GET / A-1._~!$&'()*+;=%2f:65535 1.1 none keep"),
    ROW("3986 3.2.2: IPv6", "GET / HTTP/1.1\r\nHost: [2001:db8::192.0.2.1]:8\r\n\r\n",
        "GET / [2001:db8::192.0.2.1]:8 1.1 none keep"),
};

static const struct row bad_requests[] = {
    ROW("9112 3: method with a byte that no token has", "G(T / HTTP/1.1\r\n", "400 begin"),
    ROW("9112 3: no method", " / HTTP/1.1\r\n", "400 begin"),
    ROW("9112 3: two spaces", "GET  / HTTP/1.1\r\n", "400 no target"),
    ROW("9112 3: tab for space", "GET\t/ HTTP/1.1\r\n", "400 begin"),
    ROW("9112 3: space behind the target", "GET /  HTTP/1.1\r\n", "400 version"),
    ROW("9112 3: space in the target", "GET /a b HTTP/1.1\r\n", "400 version"),
    ROW("9112 2.2: line feed alone", "GET / HTTP/1.1\nHost: a\n\n", "400 goes on"),
    ROW("9112 2.2: carriage return alone", "GET / HTTP/1.1\rHost: a\r\n\r\n", "400 stands alone"),
    ROW("9112 2.2: line feed in front", "\nGET / HTTP/1.1\r\n", "400 begin"),
    ROW("9112 2.2: three empty lines in front", "\r\n\r\n\r\n" GET "\r\n", "400 empty lines"),
    ROW("9112 2.2: carriage return in front", "\rGET / HTTP/1.1\r\n", "400 begin"),
    ROW("9112 2.2: space behind the version", "GET / HTTP/1.1 \r\n", "400 goes on"),
    ROW("HTTP/0.9", "GET /\r\n", "400 no version"),
    ROW("TLS", "\x16\x03\x01\x02\x00\x01", "400 begin"),
    ROW("9113 3.4: the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 only OPTIONS"),
    ROW("9112 2.3: HTTP/2.0", "GET / HTTP/2.0\r\n", "505 "),
    ROW("9112 2.3: HTTP/1.2", "GET / HTTP/1.2\r\n", "505 "),
    ROW("9112 2.3: HTTP/0.9 by name", "GET / HTTP/0.9\r\n", "505 "),
    ROW("9112 2.3: HTTP/1.10", "GET / HTTP/1.10\r\n", "400 goes on"),
    ROW("9112 2.3: HTTP/01.1", "GET / HTTP/01.1\r\n", "400 version"),
    ROW("9112 2.3: lower case", "GET / http/1.1\r\n", "400 version"),
    ROW("9112 2.3: half", "GET / HTTP/1\r\n", "400 version"),
    ROW("9112 3.2: fragment", "GET /#a HTTP/1.1\r\n", "400 fragment"),
    ROW("9112 3.2: NUL", "GET /\0 HTTP/1.1\r\n", "400 escaped"),
    ROW("9112 3.2: DEL", "GET /\x7f HTTP/1.1\r\n", "400 escaped"),
    ROW("9112 3.2: control", "GET /\x0b HTTP/1.1\r\n", "400 escaped"),
    ROW("9112 3.2: tab", "GET /\t HTTP/1.1\r\n", "400 escaped"),
    ROW("9112 3.2: UTF-8", "GET /\xc3\xa9 HTTP/1.1\r\n", "400 escaped"),
    ROW("9112 3.2: backslash", "GET /\\ HTTP/1.1\r\n", "400 escaped"),
    ROW("9112 3.2: quote", "GET /\" HTTP/1.1\r\n", "400 escaped"),
    ROW("9112 3.2: less", "GET /< HTTP/1.1\r\n", "400 escaped"),
    ROW("9112 3.2: more", "GET /> HTTP/1.1\r\n", "400 escaped"),
    ROW("9112 3.2: query without path", "GET ?a HTTP/1.1\r\n", "400 neither"),
    ROW("9112 3.2: relative path", "GET a/b HTTP/1.1\r\n", "400 neither"),
    ROW("9112 3.2.2: other scheme", "GET ftp://a/ HTTP/1.1\r\n", "400 neither"),
    ROW("9112 3.2.2: no authority", "GET http:///a HTTP/1.1\r\n", "400 legal host"),
    ROW("9112 3.2.2: one slash", "GET http:/a HTTP/1.1\r\n", "400 neither"),
    ROW("9110 4.2.4: userinfo", "GET http://u@a/ HTTP/1.1\r\n", "400 legal host"),
    ROW("9112 3.2.3: authority-form without CONNECT", "GET a:80 HTTP/1.1\r\n", "400 neither"),
    ROW("9112 3.2.3: CONNECT with a path", "CONNECT / HTTP/1.1\r\n", "400 host:port"),
    ROW("9112 3.2.3: CONNECT without port", "CONNECT a HTTP/1.1\r\n", "400 host:port"),
    ROW("9112 3.2.3: CONNECT with empty port", "CONNECT a: HTTP/1.1\r\n", "400 host:port"),
    ROW("9112 3.2.3: CONNECT, digits without port", "CONNECT a9 HTTP/1.1\r\n", "400 host:port"),
    ROW("9112 3.2.3: CONNECT with userinfo", "CONNECT u@a:1 HTTP/1.1\r\n", "400 host:port"),
    ROW("9112 3.2.4: GET *", "GET * HTTP/1.1\r\n", "400 only OPTIONS"),
    ROW("9112 3.2.4: **", "OPTIONS ** HTTP/1.1\r\n", "400 neither"),

    ROW("9112 3.2: no Host", "GET / HTTP/1.1\r\n\r\n", "400 no Host"),
    ROW("9112 3.2: no Host for absolute-form", "GET http://a/ HTTP/1.1\r\n\r\n", "400 no Host"),
    ROW("9112 3.2: two Hosts", GET "Host: b\r\n\r\n", "400 more than one Host"),
    ROW("9112 3.2: the same Host twice", GET "host: a\r\n\r\n", "400 more than one Host"),
    ROW("9112 3.2: two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
        "400 more than one Host"),
    ROW("9112 3.2: empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "400 Host field is malformed"),
    ROW("9112 3.2: list of Hosts", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "400 Host field is"),
    ROW("9112 3.2: Host with space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400 Host field is"),
    ROW("9112 3.2: Host with userinfo", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400 Host field is"),
    ROW("9112 3.2: Host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 Host field is"),
    ROW("9112 3.2: Host with scheme", "GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", "400 Host field"),
    ROW("3986 3.2.2: half an escape", "GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", "400 Host field is"),
    ROW("3986 3.2.2: UTF-8 in Host", "GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n", "400 Host field"),
    ROW("3986 3.2.3: port without host", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n",
        "400 Host field is"),
    ROW("3986 3.2.3: port of letters", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", "400 Host field is"),
    ROW("3986 3.2.3: port too big", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "400 Host field is"),
    ROW("3986 3.2.3: two ports", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", "400 Host field is"),
    ROW("3986 3.2.2: bare IPv6", "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", "400 Host field is"),
    ROW("3986 3.2.2: bad IPv6", "GET / HTTP/1.1\r\nHost: [:::1]\r\n\r\n", "400 Host field is"),
    ROW("3986 3.2.2: long IPv6", "GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7:8:9]\r\n\r\n", "400 Host"),
    ROW("3986 3.2.2: open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400 Host field is"),
    ROW("3986 3.2.2: empty brackets", "GET / HTTP/1.1\r\nHost: []\r\n\r\n", "400 Host field is"),
    ROW("9112 3.2.2: absolute-form against Host", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
        "400 disagrees"),
    ROW("9112 3.2.2: another port", "GET http://a/ HTTP/1.1\r\nHost: a:81\r\n\r\n",
        "400 disagrees"),
    ROW("9112 3.2.3: CONNECT against Host", "CONNECT a:1 HTTP/1.1\r\nHost: b:1\r\n\r\n",
        "400 disagrees"),

    ROW("9112 5.1: space before the colon", GET "A : b\r\n\r\n", "400 before the colon"),
    ROW("9112 5.1: tab before the colon", GET "A\t: b\r\n\r\n", "400 before the colon"),
    ROW("9112 5.1: the smuggler's TE", POST "Transfer-Encoding : chunked\r\n\r\n",
        "400 before the"),
    ROW("9112 5.2: folded line", GET "A: b\r\n c\r\n\r\n", "400 folded"),
    ROW("9112 5.2: folded with tab", GET "A: b\r\n\tc\r\n\r\n", "400 folded"),
    ROW("9112 5.2: folded Transfer-Encoding", POST "Transfer-Encoding:\r\n chunked\r\n\r\n",
        "400 malformed"),
    ROW("9112 2.2: white space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        "400 folded"),
    ROW("9112 5: no colon", GET "Abc\r\n\r\n", "400 without colon"),
    ROW("9112 5: no name", GET ": b\r\n\r\n", "400 without a name"),
    ROW("9110 5.1: byte in a name", GET "A(b: c\r\n\r\n", "400 no field name"),
    ROW("9110 5.1: NUL in a name", GET "A\0b: c\r\n\r\n", "400 no field name"),
    ROW("9110 5.1: UTF-8 in a name", GET "\xc3\xa9: c\r\n\r\n", "400 no field name"),
    ROW("9110 5.1: quoted name", GET "\"a\": c\r\n\r\n", "400 no field name"),
    ROW("9110 5.5: NUL in a value", GET "A: b\0c\r\n\r\n", "400 control"),
    ROW("9110 5.5: NUL deep in a value", GET "A: 0123456789abcdef\0c\r\n\r\n", "400 control"),
    ROW("9110 5.5: DEL in a value",
        GET "A: 0123456789\x7f"
            "abcdef\r\n\r\n",
        "400 control"),
    ROW("9110 5.5: control in a value", GET "A: b\x1b-\r\n\r\n", "400 control"),
    ROW("9112 2.2: bare CR in a value", GET "A: b\rc: d\r\n\r\n", "400 stands alone"),
    ROW("9112 2.2: CR CR LF", GET "A: b\r\r\n\r\n", "400 stands alone"),
    ROW("9112 2.2: bare LF in a value", GET "A: b\nC: d\r\n\r\n", "400 without carriage"),
    ROW("9112 2.2: bare LF in a long value", GET "A: 0123456789\nC: d\r\n\r\n", "400 without carr"),
    ROW("9112 2.2: LF for the empty line", GET "\n", "400 without carriage"),
    ROW("9112 2.2: CR for the empty line", GET "\rA: b\r\n\r\n", "400 stands alone"),

    ROW("9112 6.3: CL.TE", POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n",
        "400 together"),
    ROW("9112 6.3: TE.CL", POST "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n",
        "400 together"),
    ROW("9112 6.3: CL 0 and TE", POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "400 together"),
    ROW("9110 8.6: twice", POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "400 more than one"),
    ROW("9110 8.6: the same twice", POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "400 more than one"),
    ROW("9110 8.6: list", POST "Content-Length: 5,5\r\n\r\n", "400 not one number"),
    ROW("9110 8.6: plus", POST "Content-Length: +5\r\n\r\n", "400 not one number"),
    ROW("9110 8.6: minus", POST "Content-Length: -5\r\n\r\n", "400 not one number"),
    ROW("9110 8.6: hex", POST "Content-Length: 0x5\r\n\r\n", "400 not one number"),
    ROW("9110 8.6: space within", POST "Content-Length: 5 5\r\n\r\n", "400 not one number"),
    ROW("9110 8.6: vertical tab",
        POST "Content-Length: \x0b"
             "5\r\n\r\n",
        "400 control"),
    ROW("9110 8.6: no-break space",
        POST "Content-Length: \xa0"
             "5\r\n\r\n",
        "400 not one number"),
    ROW("9110 8.6: fraction", POST "Content-Length: 5.0\r\n\r\n", "400 not one number"),
    ROW("9110 8.6: exponent", POST "Content-Length: 1e1\r\n\r\n", "400 not one number"),
    ROW("9110 8.6: separators", POST "Content-Length: 1_0\r\n\r\n", "400 not one number"),
    ROW("9110 8.6: quoted", POST "Content-Length: \"5\"\r\n\r\n", "400 not one number"),
    ROW("9110 8.6: empty", POST "Content-Length:\r\n\r\n", "400 not one number"),
    ROW("9110 8.6: 2^63", POST "Content-Length: 9223372036854775808\r\n\r\n", "400 not one number"),
    ROW("9110 8.6: 2^64", POST "Content-Length: 18446744073709551616\r\n\r\n",
        "400 not one number"),
    ROW("9110 8.6: far beyond", POST "Content-Length: 99999999999999999999999\r\n\r\n",
        "400 not one"),
    ROW("9112 6.3: xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n", "400 not the last"),
    ROW("9112 6.3: chunkedx", POST "Transfer-Encoding: chunkedx\r\n\r\n", "400 not the last"),
    ROW("9112 6.3: identity", POST "Transfer-Encoding: identity\r\n\r\n", "400 not the last"),
    ROW("9112 6.3: gzip", POST "Transfer-Encoding: gzip\r\n\r\n", "400 not the last"),
    ROW("9112 6.1: gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", "501 "),
    ROW("9112 6.1: chunked, gzip", POST "Transfer-Encoding: chunked, gzip\r\n\r\n", "400 not the"),
    ROW("9112 6.1: chunked, identity", POST "Transfer-Encoding: chunked, identity\r\n\r\n",
        "400 not the"),
    ROW("9112 7: chunked twice", POST "Transfer-Encoding: chunked,chunked\r\n\r\n", "400 twice"),
    ROW("9112 7: chunked in two fields",
        POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400 twice"),
    ROW("9112 7: identity in a second field",
        POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", "400 not the"),
    ROW("9112 7: x in a first field",
        POST "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n", "501 "),
    ROW("9112 7: vertical tab", POST "Transfer-Encoding: chunked\x0b\r\n\r\n", "400 control"),
    ROW("9112 7: leading vertical tab",
        POST "Transfer-Encoding: \x0b"
             "chunked\r\n\r\n",
        "400 control"),
    ROW("9112 7: form feed",
        POST "Transfer-Encoding: \x0c"
             "chunked\r\n\r\n",
        "400 control"),
    ROW("9112 7: parameter", POST "Transfer-Encoding: chunked;a=b\r\n\r\n", "400 malformed"),
    ROW("9112 7: quoted", POST "Transfer-Encoding: \"chunked\"\r\n\r\n", "400 malformed"),
    ROW("9112 7: obs-text", POST "Transfer-Encoding: chunked\xff\r\n\r\n", "400 malformed"),
    ROW("9112 7: empty", POST "Transfer-Encoding:\r\n\r\n", "400 malformed"),
    ROW("9112 7: empty element", POST "Transfer-Encoding: ,chunked\r\n\r\n", "400 malformed"),
    ROW("9112 7: trailing comma", POST "Transfer-Encoding: chunked,\r\n\r\n", "400 not the"),
    ROW("9112 7: two words", POST "Transfer-Encoding: chun ked\r\n\r\n", "400 malformed"),
    ROW("9112 6.1: HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "400 HTTP/1.0"),
    ROW("9110 10.1.1: unknown expectation", POST "Expect: 200-ok\r\n\r\n", "417 "),
    ROW("9112 5.2: folded expectation", POST "Expect: x\r\n 100-continue\r\n\r\n", "400 folded"),
    ROW("9110 10.1.1: two expectations", POST "Expect: 100-continue, x\r\n\r\n", "417 "),
};

static const struct row good_answers[] = {
    ROW("9112 4: status line", OK "Content-Length: 2\r\n\r\nok", "200 OK 1.1 length 2 keep"),
    ROW("9112 4: empty reason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n",
        "200  1.1 length 2 keep"),
    ROW("9112 4: no reason, no space", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n",
        "200  1.1 length 2 keep"),
    ROW("9112 4: words, tab and obs-text", "HTTP/1.1 599 a b\tc\xe9\r\nContent-Length: 0\r\n\r\n",
        "599 a b\tc\xe9 1.1 length 0 keep"),
    ROW("9112 4: no fields", "HTTP/1.0 200 OK\r\n\r\n", "200 OK 1.0 close"),
    ROW("9112 6.3: until close", OK "\r\n", "200 OK 1.1 close"),
    ROW("9112 6.3: close wins over keep-alive", OK "Connection: keep-alive\r\n\r\n",
        "200 OK 1.1 close"),
    ROW("9112 9.3: HTTP/1.0 keep-alive",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n",
        "200 OK 1.0 length 1 keep"),
    ROW("9112 6.3: chunked", OK "Transfer-Encoding: chunked\r\n\r\n", "200 OK 1.1 chunked keep"),
    ROW("9112 6.3: 204", "HTTP/1.1 204 No Content\r\n\r\n", "204 No Content 1.1 none keep"),
    ROW("9112 6.3: 204 with length 0", "HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n",
        "204 x 1.1 none keep"),
    ROW("9112 6.3: 204 with a body is not trusted", "HTTP/1.1 204 x\r\nContent-Length: 1\r\n\r\n",
        "204 x 1.1 none"),
    ROW("9112 6.3: 304 says a length", "HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n",
        "304 x 1.1 none keep"),
    ROW("9112 6.3: chunked 304 is not trusted",
        "HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n", "304 x 1.1 none"),
    ROW("9110 15.2: 100", "HTTP/1.1 100 Continue\r\n\r\n", "100 Continue 1.1 none keep"),
    ROW("9110 15.2: 101", "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        "101 x 1.1 none keep upgrade"),
    ROW("9110 8.6: the same length twice", OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "200 OK 1.1 length 5 keep"),
    ROW("9110 8.6: the same length in a list", OK "Content-Length: 5, 5\r\n\r\n",
        "200 OK 1.1 length 5 keep"),
    ROW("9110 7.2: Host means nothing here", OK "Host: \r\nContent-Length: 0\r\n\r\n",
        "200 OK 1.1 length 0 keep"),
    ROW("9110 10.1.1: nor does Expect", OK "Expect: x\r\nContent-Length: 0\r\n\r\n",
        "200 OK 1.1 length 0 keep"),
};

static const struct row bad_answers[] = {
    ROW("garbage", "\0\1\2", "502 status line"),
    ROW("9112 4: another protocol", "SSH-2.0-OpenSSH_9\r\n", "502 status line"),
    ROW("9112 2.3: HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", "502 status line"),
    ROW("9112 2.3: HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n", "502 status line"),
    ROW("9112 4: shoutcast", "ICY 200 OK\r\n\r\n", "502 status line"),
    ROW("9112 4: two spaces", "HTTP/1.1  200 OK\r\n\r\n", "502 status line"),
    ROW("9112 4: two digits", "HTTP/1.1 20 OK\r\n\r\n", "502 status line"),
    ROW("9112 4: four digits", "HTTP/1.1 2000 OK\r\n\r\n", "502 status line"),
    ROW("9110 15: 099", "HTTP/1.1 099 OK\r\n\r\n", "502 status line"),
    ROW("9110 15: 600", "HTTP/1.1 600 OK\r\n\r\n", "502 status line"),
    ROW("9112 4: sign", "HTTP/1.1 +20 OK\r\n\r\n", "502 status line"),
    ROW("9112 4: control in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n", "502 control"),
    ROW("9112 4: NUL in the reason", "HTTP/1.1 200 \0\r\n\r\n", "502 control"),
    ROW("9112 2.2: line feed alone", "HTTP/1.1 200 OK\nA: b\r\n\r\n", "502 without carriage"),
    ROW("9112 2.2: line feed without reason", "HTTP/1.1 200\nA: b\r\n\r\n", "502 status line"),
    ROW("9112 2.2: carriage return alone", "HTTP/1.1 200\rA: b\r\n\r\n", "502 stands alone"),
    ROW("9112 2.2: empty line in front", "\r\nHTTP/1.1 200 OK\r\n\r\n", "502 status line"),
    ROW("9112 5.2: folded", OK "A: b\r\n c\r\n\r\n", "502 folded"),
    ROW("9112 5.1: space before the colon", OK "A : b\r\n\r\n", "502 before the colon"),
    ROW("9110 5.5: NUL", OK "A: \0\r\n\r\n", "502 control"),
    ROW("9112 6.3: CL and TE", OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "502 together"),
    ROW("9112 6.3: TE and CL", OK "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        "502 together"),
    ROW("9112 6.1: TE in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "502 HTTP/1.0"),
    ROW("9112 6.1: unknown coding", OK "Transfer-Encoding: gzip\r\n\r\n", "502 unknown"),
    ROW("9112 6.1: gzip, chunked", OK "Transfer-Encoding: gzip, chunked\r\n\r\n", "502 unknown"),
    ROW("9110 8.6: two lengths", OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "502 not one"),
    ROW("9110 8.6: two lengths in a list", OK "Content-Length: 5, 6\r\n\r\n", "502 not one"),
    ROW("9110 8.6: open list", OK "Content-Length: 5,\r\n\r\n", "502 not one"),
    ROW("9110 8.6: sign", OK "Content-Length: +5\r\n\r\n", "502 not one"),
};

/* ---- parsing in pieces ---- */

struct outcome {
    enum h1_result result;
    size_t verdict; /* bytes shown when the verdict fell */
    struct str text;
    struct head head;
};

static struct str framing_text(struct pool *pool, const struct head *head)
{
    static const char *const names[] = {"none", "length", "chunked", "close"};

    if (head->framing == FRAMING_LENGTH)
        return pool_printf(pool, "length %llu", (unsigned long long)head->length);
    return str_of(names[head->framing]);
}

static struct str head_text(struct pool *pool, enum h1_kind kind, const struct head *head)
{
    struct text out = {.pool = pool};

    if (kind == H1_RESPONSE) {
        text_printf(&out, "%u %.*s ", head->status, STR_ARG(head->reason));
    } else {
        text_printf(&out, "%.*s ", STR_ARG(head->method_text));
        if (head->path.len > 0)
            text_printf(&out, "%.*s ", STR_ARG(head->path));
        if (head->query.at)
            text_printf(&out, "?%.*s ", STR_ARG(head->query));
        if (head->authority.len > 0)
            text_printf(&out, "%.*s ", STR_ARG(head->authority));
    }
    text_printf(&out, "1.%u %.*s", head->minor, STR_ARG(framing_text(pool, head)));
    text_add(&out, head->keep_alive ? STR(" keep") : STR(""));
    text_add(&out, head->expect_continue ? STR(" expect") : STR(""));
    text_add(&out, head->upgrade ? STR(" upgrade") : STR(""));
    text_add(&out, head->te_trailers ? STR(" te") : STR(""));
    text_add(&out, head->fields.underscores ? STR(" underscores") : STR(""));
    return text_str(&out);
}

/* Shows first `first` bytes, then `step` more each time. The rest of the buffer is noise until
 * it arrives. */
static struct outcome parse(struct pool *pool, enum h1_kind kind, const struct h1_limits *lim,
                            struct str input, size_t first, size_t step)
{
    char *buffer = pool_take(pool, input.len + 1);
    struct outcome out = {.result = H1_MORE};
    struct h1_parser parser;
    size_t len = 0;

    memset(buffer, 'N', input.len + 1);
    h1_parse_begin(&parser, kind, lim, pool, &out.head);
    while (out.result == H1_MORE && len < input.len) {
        size_t more = len == 0 ? first : step;

        more = more < input.len - len ? more : input.len - len;
        memcpy(buffer + len, input.at + len, more);
        len += more;
        out.result = h1_parse(&parser, buffer, len);
    }
    out.verdict = len;
    assert_int_equal(h1_parse(&parser, buffer, len), out.result); /* it stays so */
    if (out.result == H1_MORE)
        out.text = STR("more");
    else if (out.result == H1_DONE)
        out.text = head_text(pool, kind, &out.head);
    else
        out.text = pool_printf(pool, "%u %s", parser.status, parser.reason);
    return out;
}

/* Each prefix by itself, where the next byte cannot be read. */
static void check_prefixes(enum h1_kind kind, const struct h1_limits *lim, struct str input,
                           const struct outcome *whole)
{
    struct edge edge = edge_open(input.len);

    for (size_t len = 0; len <= input.len; len++) {
        struct str bytes = edge_put(&edge, str_head(input, len));
        struct h1_parser parser;
        struct head head;
        struct pool pool;

        pool_open(&pool, NULL);
        h1_parse_begin(&parser, kind, lim, &pool, &head);
        assert_int_equal(h1_parse(&parser, bytes.at, bytes.len),
                         len < whole->verdict ? H1_MORE : whole->result);
        pool_close(&pool);
    }
    edge_close(&edge);
}

static void assert_same(const char *name, const struct outcome *a, const struct outcome *b)
{
    if (!str_eq(a->text, b->text) || a->head.head_len != b->head.head_len ||
        a->head.fields.count != b->head.fields.count)
        fail_msg("%s: %.*s, in other pieces %.*s", name, STR_ARG(a->text), STR_ARG(b->text));
}

/* The outcome, which is the same however the input is cut. */
static struct outcome parse_all_ways(struct pool *pool, const char *name, enum h1_kind kind,
                                     const struct h1_limits *lim, struct str input)
{
    struct outcome bytewise = parse(pool, kind, lim, input, 1, 1);

    for (size_t i = 1; i <= input.len; i++) {
        struct pool scratch;
        struct outcome cut, pieces;

        pool_open(&scratch, NULL);
        cut = parse(&scratch, kind, lim, input, i, input.len);
        pieces = parse(&scratch, kind, lim, input, i, i);
        assert_same(name, &bytewise, &cut);
        assert_same(name, &bytewise, &pieces);
        pool_close(&scratch);
    }
    check_prefixes(kind, lim, input, &bytewise);
    return bytewise;
}

static bool as_expected(const struct outcome *out, const char *expected)
{
    struct str want = str_of(expected), rest;

    if (out->result != H1_BAD)
        return str_eq(out->text, want);
    rest = str_from(want, 4); /* status, space, words of the reason */
    return str_eq(str_head(out->text, 4), str_head(want, 4)) &&
           (rest.len == 0 || str_find_str(out->text, rest) < out->text.len);
}

static void check_rows(enum h1_kind kind, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pool pool;
        struct outcome out;

        pool_open(&pool, NULL);
        out = parse_all_ways(&pool, rows[i].name, kind, &limits, rows[i].input);
        if (!as_expected(&out, rows[i].expected))
            fail_msg("%s: %.*s, expected %s", rows[i].name, STR_ARG(out.text), rows[i].expected);
        pool_close(&pool);
    }
}

static void requests_are_read(void **state)
{
    (void)state;
    check_rows(H1_REQUEST, ROWS(good_requests));
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    check_rows(H1_REQUEST, ROWS(bad_requests));
}

static void answers_are_read(void **state)
{
    (void)state;
    check_rows(H1_RESPONSE, ROWS(good_answers));
}

static void bad_answers_are_refused(void **state)
{
    (void)state;
    check_rows(H1_RESPONSE, ROWS(bad_answers));
}

static void incomplete_heads_want_more(void **state)
{
    static const struct str inputs[] = {
        STR_INIT("\r\n\r"),
        STR_INIT("GE"),
        STR_INIT("GET /abc"),
        STR_INIT("GET / HTTP/1.1\r"),
        STR_INIT(GET),
        STR_INIT(GET "\r"),
        STR_INIT(GET "Na"),
        STR_INIT(GET "Name:"),
        STR_INIT(GET "Name: \t"),
        STR_INIT(GET "Name: value\r"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct pool pool;
        struct outcome out;

        pool_open(&pool, NULL);
        out = parse_all_ways(&pool, inputs[i].at, H1_REQUEST, &limits, inputs[i]);
        assert_int_equal(out.result, H1_MORE);
        pool_close(&pool);
    }
}

/* ---- limits ---- */

static struct str repeated(struct pool *pool, const char *before, const char *what, size_t times,
                           const char *behind)
{
    struct text out = {.pool = pool};

    text_add(&out, str_of(before));
    for (size_t i = 0; i < times; i++)
        text_add(&out, str_of(what));
    text_add(&out, str_of(behind));
    return text_str(&out);
}

static void check_limit(enum h1_kind kind, const char *before, const char *what, size_t times,
                        const char *behind, unsigned status)
{
    static const struct h1_limits small = {.line = 20, .fields = 60, .count = 5};
    struct pool pool;
    struct outcome out;

    pool_open(&pool, NULL);
    out = parse_all_ways(&pool, what, kind, &small, repeated(&pool, before, what, times, behind));
    if (status == 0)
        assert_int_equal(out.result, H1_DONE);
    else
        assert_int_equal(strtoul(out.text.at, NULL, 10), status);
    assert_true(out.verdict <= h1_head_room(&small));
    pool_close(&pool);
}

static void limits_hold_to_the_byte(void **state)
{
    const char *const end = " HTTP/1.1\r\nHost: a\r\n\r\n";

    (void)state;
    check_limit(H1_REQUEST, "", "M", H1_METHOD_MAX, " / HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    check_limit(H1_REQUEST, "", "M", H1_METHOD_MAX + 1, " / HTTP/1.1\r\nHost: a\r\n\r\n", 501);
    check_limit(H1_REQUEST, "GET /", "x", 19, end, 0);
    check_limit(H1_REQUEST, "GET /", "x", 20, end, 414);
    check_limit(H1_REQUEST, "GET /", "x", 2000, "", 414);
    /* "Host: a\r\n" is 9 bytes, "A: \r\n" around the value 5 */
    check_limit(H1_REQUEST, GET "A: ", "x", 60 - 9 - 5, "\r\n\r\n", 0);
    check_limit(H1_REQUEST, GET "A: ", "x", 60 - 9 - 4, "\r\n\r\n", 431);
    check_limit(H1_REQUEST, GET "A: ", "x", 2000, "", 431);
    check_limit(H1_REQUEST, GET "A:", " ", 2000, "", 431);
    check_limit(H1_REQUEST, GET, "A", 2000, "", 431);
    check_limit(H1_REQUEST, GET, "A: b\r\n", 4, "\r\n", 0);
    check_limit(H1_REQUEST, GET, "A: b\r\n", 5, "\r\n", 431);
    check_limit(H1_RESPONSE, "HTTP/1.1 200 ", "x", 7, "\r\n\r\n", 0);
    check_limit(H1_RESPONSE, "HTTP/1.1 200 ", "x", 8, "\r\n\r\n", 502);
    check_limit(H1_RESPONSE, "HTTP/1.1 200 OK\r\nA: ", "x", 60 - 5, "\r\n\r\n", 0);
    check_limit(H1_RESPONSE, "HTTP/1.1 200 OK\r\nA: ", "x", 60 - 4, "\r\n\r\n", 502);
    check_limit(H1_RESPONSE, "HTTP/1.1 200 OK\r\n", "A: b\r\n", 6, "\r\n", 502);
}

/* The field array grows from its first size to the limit, and all fields are still what they
 * were. */
static void many_fields_are_kept(void **state)
{
    static const struct h1_limits wide = {.line = 20, .fields = 4000, .count = 100};
    struct pool pool;
    struct outcome out;

    (void)state;
    pool_open(&pool, NULL);
    out = parse(&pool, H1_REQUEST, &wide, repeated(&pool, GET, "Aa: bcd \r\n", 99, "\r\n"), 7, 7);
    assert_int_equal(out.result, H1_DONE);
    assert_int_equal(out.head.fields.count, 100);
    assert_int_equal(out.head.fields.at[0].id, FIELD_HOST);
    for (unsigned i = 1; i < 100; i++) {
        const struct field *field = &out.head.fields.at[i];

        assert_true(str_eq(field_name(field), STR("Aa")));
        assert_true(str_eq(field_value(field), STR("bcd")));
        assert_false(field->dropped);
    }
    pool_close(&pool);
}

/* RFC 9110 section 8.6: who passes repeated lengths on makes one of them. */
static void repeated_lengths_are_dropped(void **state)
{
    static const struct row rows[] = {
        ROW("once", OK "Content-Length: 5\r\n\r\n", "1"),
        ROW("twice", OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "0"),
        ROW("list", OK "Content-Length: 5,5\r\n\r\n", "0"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pool pool;
        struct outcome out;

        pool_open(&pool, NULL);
        out = parse(&pool, H1_RESPONSE, &limits, rows[i].input, 1, 1);
        assert_int_equal(out.head.length, 5);
        assert_int_equal(fields_find(&out.head.fields, FIELD_CONTENT_LENGTH) != NULL,
                         rows[i].expected[0] == '1');
        pool_close(&pool);
    }
}

static void head_len_is_exact(void **state)
{
    struct str input = STR("\r\n" GET "A: b\r\n\r\nbody");
    struct pool pool;
    struct outcome out;

    (void)state;
    pool_open(&pool, NULL);
    out = parse(&pool, H1_REQUEST, &limits, input, input.len, 1);
    assert_int_equal(out.head.head_len, input.len - 4);
    assert_true(str_eq(out.head.target, STR("/")));
    pool_close(&pool);
}

/* A head of ten thousand bytes that arrives one by one costs about what it costs at once: each
 * byte is looked at a bounded number of times. */
static void work_is_linear(void **state)
{
    static const struct h1_limits wide = {.line = 200000, .fields = 2000000, .count = 100};
    struct pool pool;
    struct outcome out;

    (void)state;
    pool_open(&pool, NULL);
    out = parse(&pool, H1_REQUEST, &wide, repeated(&pool, "GET /", "x", 190000, " HTTP/1.1\r\n"), 1,
                1);
    assert_int_equal(out.result, H1_MORE);
    out = parse(&pool, H1_REQUEST, &wide, repeated(&pool, GET, "N", 60000, ": x\r\n\r\n"), 1, 1);
    assert_int_equal(out.result, H1_DONE);
    out = parse(&pool, H1_REQUEST, &wide, repeated(&pool, GET "A: ", "v\t", 500000, "\r\n\r\n"), 1,
                1);
    assert_int_equal(out.result, H1_DONE);
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(bad_answers_are_refused),
        cmocka_unit_test(incomplete_heads_want_more),
        cmocka_unit_test(limits_hold_to_the_byte),
        cmocka_unit_test(many_fields_are_kept),
        cmocka_unit_test(repeated_lengths_are_dropped),
        cmocka_unit_test(head_len_is_exact),
        cmocka_unit_test(work_is_linear),
    };

    return cmocka_run_group_tests_name("h1_parse", tests, NULL, NULL);
}
