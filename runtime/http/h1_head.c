#include "http/h1_head.h"

#include <stdio.h>
#include <time.h>

void head_put_number(struct head_text *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    head_put(text, (struct str){digits + at, sizeof digits - at});
}

void head_put_fields(struct head_text *text, const struct fields *fields)
{
    size_t len = fields_write(fields, text->at + text->len, text->room - text->len);

    if (len == FIELDS_NO_ROOM)
        text->full = true;
    else
        text->len += len;
}

/* RFC 9110 section 5.6.7; strftime would follow the locale. */
struct str h1_date_line(struct h1_date *date, uint64_t wall_us)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint64_t second = wall_us / 1000000;
    enum { LEN = sizeof "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" - 1 };

    if (second != date->second) {
        time_t at = (time_t)second;
        struct tm tm;
        char line[128];
        gmtime_r(&at, &tm);
        snprintf(line, sizeof line, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
                 days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900,
                 tm.tm_hour, tm.tm_min, tm.tm_sec);
        memcpy(date->line, line, LEN);
        date->second = second;
    }
    return (struct str){date->line, LEN};
}

static void put_status(struct head_text *text, const struct head_out *head)
{
    char line[] = "HTTP/1.1 000 ";

    line[9] = (char)('0' + head->status / 100 % 10);
    line[10] = (char)('0' + head->status / 10 % 10);
    line[11] = (char)('0' + head->status % 10);
    head_put(text, (struct str){line, sizeof line - 1});
    head_put(text, head->reason.at ? head->reason : status_reason(head->status));
    head_put(text, STR("\r\n"));
}

void h1_head_answer(struct head_text *text, const struct h1_answer *answer)
{
    const struct head_out *head = answer->head;
    bool has_date = false, has_length = false;

    put_status(text, head);
    if (head->fields) {
        has_date = fields_find(head->fields, FIELD_DATE) != NULL;
        has_length = fields_find(head->fields, FIELD_CONTENT_LENGTH) != NULL;
        head_put_fields(text, head->fields);
    }
    if (!has_date)
        head_put(text, answer->date);
    head_put(text, head->constant);
    head_put(text, head->added);
    if (answer->framing == FRAMING_CHUNKED) {
        head_put(text, STR("Transfer-Encoding: chunked\r\n"));
    } else if (answer->framing == FRAMING_LENGTH && !has_length) {
        head_put(text, STR("Content-Length: "));
        head_put_number(text, head->length);
        head_put(text, STR("\r\n"));
    }
    head_put(text, answer->connection);
    head_put(text, STR("\r\n"));
}
