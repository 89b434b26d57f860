/* Log lines, what they hide, and that neither a full pipe nor an ending process loses or blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access_log.h"
#include "base/clock.h"
#include "fake_request.h"
#include "log_line.h"
#include "log_text.h"
#include "log_writer.h"

/* ---- text ---- */

static const struct {
    const char *in, *json, *apache;
} escapes[] = {
    {"", "", ""},
    {"plain /~!", "plain /~!", "plain /~!"},
    {"a\"b\\c", "a\\\"b\\\\c", "a\\\"b\\\\c"},
    {"a\nb\tc", "a\\u000ab\\u0009c", "a\\x0ab\\x09c"},
    {"\x7f", "\\u007f", "\\x7f"},
    {"\xc3\xa4", "\xc3\xa4", "\\xc3\\xa4"},
    {"\xe2\x82", "\\ufffd\\ufffd", "\\xe2\\x82"},
    {"\xff!", "\\ufffd!", "\\xff!"},
    /* eight at a time, and the last eight once more */
    {"12345678", "12345678", "12345678"},
    {"1234567890", "1234567890", "1234567890"},
    {"123456\"8", "123456\\\"8", "123456\\\"8"},
    {"12345678\\", "12345678\\\\", "12345678\\\\"},
    {"12345678901234\x1f", "12345678901234\\u001f", "12345678901234\\x1f"},
    {"~}|{[]^!#", "~}|{[]^!#", "~}|{[]^!#"},
};

static void test_escapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        for (int apache = 0; apache < 2; apache++) {
            const char *expected = apache ? escapes[i].apache : escapes[i].json;
            char out[100];
            struct log_text text = {out, out + sizeof out, apache, false};
            log_text_escape(&text, str_of(escapes[i].in), 99);
            *text.at = 0;
            assert_string_equal(out, expected);
        }
    }
}

static const struct {
    const char *in, *out;
} queries[] = {
    {"", ""},
    {"a=1&b=2", "a=1&b=2"},
    {"access_token=abc&x=1", "access_token=***&x=1"},
    {"x=1&token=abc", "x=1&token=***"},
    {"ACCESS_TOKEN=abc", "ACCESS_TOKEN=***"},
    {"access%5Ftoken=abc", "access%5Ftoken=***"},
    {"%74oken=abc", "%74oken=***"},
    {"api_key=a;apikey=b;key=c", "api_key=***;apikey=***;key=***"},
    {"api-key=a&x.api.key=b", "api-key=***&x.api.key=***"},
    {"password=a&passwd=b&pwd=c", "password=***&passwd=***&pwd=***"},
    {"client_secret=a&secret=b", "client_secret=***&secret=***"},
    {"sig=a&signature=b&X-Amz-Signature=c", "sig=***&signature=***&X-Amz-Signature=***"},
    {"X-Amz-Credential=c&X-Amz-Security-Token=d", "X-Amz-Credential=***&X-Amz-Security-Token=***"},
    {"code=a&state=b", "code=***&state=b"},
    {"token=", "token=***"},
    {"token", "token"},
    {"token==abc", "token=***"},
    {"=abc", "=abc"},
    {"monkey=1&keyboard=2&tokens=3", "monkey=1&keyboard=2&tokens=3"},
    {"&&token=a&", "&&token=***&"},
    {"next=/a?token=b", "next=/a?token=b"},
};

static void test_queries(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        char out[200];
        struct log_text text = {out, out + sizeof out, false, false};
        log_text_query(&text, str_of(queries[i].in), 199);
        *text.at = 0;
        assert_string_equal(out, queries[i].out);
    }
}

/* Whatever is too long is cut off, never the line torn. */
static void test_bounds(void **state)
{
    char long_text[3000], out[4000];
    struct log_text text = {out, out + sizeof out, false, false};

    (void)state;
    memset(long_text, '"', sizeof long_text);
    log_text_escape(&text, (struct str){long_text, sizeof long_text}, 100);
    assert_int_equal(text.at - out, 100);
    text = (struct log_text){out, out + 50, false, false};
    log_text_escape(&text, (struct str){long_text, sizeof long_text}, 100);
    assert_true(text.full);
    assert_true(text.at <= out + 50);
}

/* ---- lines ---- */

static const struct gw_route route = {
    .name = STR_INIT("getPet"), .tag = STR_INIT("edge"), .access_log = true};
static const struct gw_route quiet = {.name = STR_INIT("health"), .access_log = false};

static void fill(struct fake_request *fake)
{
    fake->worker.loop.now = 5000;
    fake->worker.loop.wall_us = 1700000000125000ull;
    fake->rq.started_ms = 5000 - 2;
    fake->rq.started_us = 1700000000125000ull - 1500;
    fake->rq.request_id = STR("id-1");
    fake->rq.client_address = STR("1.2.3.4");
    fake->rq.route = &route;
    fake->rq.status = 200;
    fake->rq.bytes_in = 5;
    fake->rq.bytes_out = 1234567;
}

static const struct gw_access_log json = {.on = true, .format = GW_LOG_JSON};

static const char *write_line(const struct gw_access_log *config, struct fake_request *fake)
{
    static char out[LOG_LINE_MAX + 1];
    struct str unknown;

    assert_true(log_line_setup(config, NULL, 0, &unknown));
    out[log_line_write(out, LOG_LINE_MAX, &fake->rq)] = 0;
    return out;
}

static void test_json_line(void **state)
{
    struct fake_request fake;

    (void)state;
    fake_request_open(&fake, "/pets/7?token=x&y=1",
                      "User-Agent: cu\\rl\r\nReferer: http://x/\r\ntraceparent: "
                      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
    fill(&fake);
    fake.rq.upstream_status = 200;
    fake.rq.upstream_ms = 1;
    fake.rq.upstream_target = STR("http://127.0.0.1:9000");
    fake.rq.tries = 2;
    assert_string_equal(
        write_line(&json, &fake),
        "{\"timestamp\":\"2023-11-14T22:13:20.123Z\",\"request_id\":\"id-1\",\"remote_addr\":\"1.2."
        "3.4\","
        "\"method\":\"GET\",\"host\":\"gw.example:8080\",\"path\":\"/pets/7\","
        "\"query\":\"token=***&y=1\",\"protocol\":\"HTTP/1.1\",\"route\":\"getPet\","
        "\"status\":200,\"reason\":null,\"latency_ms\":1.500,\"upstream_latency_ms\":1,"
        "\"upstream_addr\":\"http://127.0.0.1:9000\",\"upstream_status\":200,\"tries\":2,"
        "\"bytes_received\":5,\"bytes_sent\":1234567,\"user_agent\":\"cu\\\\rl\","
        "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"consumer\":null}\n");
    fake_request_close(&fake);
}

/* A request that was refused before anything was known of it. */
static void test_json_refused(void **state)
{
    struct fake_request fake;

    (void)state;
    fake_request_open(&fake, "/", "");
    memset(&fake.rq.head, 0, sizeof fake.rq.head);
    fake.rq.status = 400;
    fake.rq.reason = "bare LF in a head";
    assert_string_equal(
        write_line(&json, &fake),
        "{\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"request_id\":null,\"remote_addr\":null,"
        "\"method\":null,\"host\":null,\"path\":null,\"query\":null,\"protocol\":\"HTTP/1.0\","
        "\"route\":null,\"status\":400,\"reason\":\"bare LF in a head\",\"latency_ms\":0.000,"
        "\"upstream_latency_ms\":null,\"upstream_addr\":null,\"upstream_status\":null,\"tries\":0,"
        "\"bytes_received\":0,\"bytes_sent\":0,\"user_agent\":null,\"trace_id\":null,"
        "\"consumer\":null}\n");
    fake_request_close(&fake);
}

static void test_fields(void **state)
{
    static const struct str names[] = {STR_INIT("status"),  STR_INIT("latency"),
                                       STR_INIT("referer"), STR_INIT("request_size"),
                                       STR_INIT("tag"),     STR_INIT("upstream")};
    static const struct str bad[] = {STR_INIT("status"), STR_INIT("colour")};
    struct gw_access_log config = {.on = true, .fields = names, .field_count = 6};
    struct fake_request fake;
    struct str unknown;

    (void)state;
    fake_request_open(&fake, "/", "Referer: http://a/b?code=1&c=2\r\n");
    fill(&fake);
    assert_string_equal(
        write_line(&config, &fake),
        "{\"status\":200,\"latency_ms\":1.500,\"referer\":\"http://a/b?code=***&c=2\","
        "\"bytes_received\":5,\"tag\":\"edge\",\"upstream\":null}\n");
    assert_false(log_line_has_id());
    config.fields = bad;
    config.field_count = 2;
    assert_false(log_line_setup(&config, NULL, 0, &unknown));
    assert_true(str_eq(unknown, STR("colour")));
    fake_request_close(&fake);
}

static void test_combined(void **state)
{
    struct gw_access_log config = {.on = true, .format = GW_LOG_COMBINED};
    struct fake_request fake;

    (void)state;
    fake_request_open(&fake, "/pets?key=1", "User-Agent: a\"b\r\n");
    fill(&fake);
    assert_string_equal(
        write_line(&config, &fake),
        "1.2.3.4 - - [14/Nov/2023:22:13:20 +0000] \"GET /pets?key=*** HTTP/1.1\" 200 "
        "1234567 \"-\" \"a\\\"b\"\n");
    fake_request_close(&fake);
}

static const struct {
    const char *value, *expected;
} traces[] = {
    {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
     "\"0af7651916cd43dd8448eb211c80319c\""},
    {"00-00000000000000000000000000000000-b7ad6b7169203331-01", "null"},
    {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "null"},
    {"00-0af7651916cd43dd8448eb211c80319-b7ad6b71692033311-01", "null"},
    {"00-0af7651916cd43dd8448eb211c80319x-b7ad6b7169203331-01", "null"},
    {"00", "null"},
};

static void test_trace_id(void **state)
{
    static const struct str names[] = {STR_INIT("trace_id")};
    struct gw_access_log config = {.on = true, .fields = names, .field_count = 1};

    (void)state;
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        struct fake_request fake;
        char lines[200], expected[100];
        snprintf(lines, sizeof lines, "traceparent: %s\r\n", traces[i].value);
        snprintf(expected, sizeof expected, "{\"trace_id\":%s}\n", traces[i].expected);
        fake_request_open(&fake, "/", lines);
        assert_string_equal(write_line(&config, &fake), expected);
        fake_request_close(&fake);
    }
}

/* The longest of everything, all of it escaped, still fits a buffer. */
static void test_longest(void **state)
{
    struct fake_request fake;
    static char hostile[16000];
    struct str all = {hostile, sizeof hostile};
    size_t len;

    (void)state;
    memset(hostile, 1, sizeof hostile);
    fake_request_open(&fake, "/", "User-Agent: x\r\nReferer: y\r\n");
    fake.rq.head.path = fake.rq.head.query = fake.rq.head.authority = all;
    fake.rq.head.method_text = fake.rq.upstream_target = all;
    for (unsigned i = 0; i < fake.rq.head.fields.count; i++) {
        fake.rq.head.fields.at[i].value = hostile;
        fake.rq.head.fields.at[i].value_len = sizeof hostile;
    }
    len = strlen(write_line(&json, &fake));
    assert_in_range(len, 10000, LOG_LINE_MAX - 1);
    fake_request_close(&fake);
}

/* ---- the way to the reader ---- */

static char folder[] = "/tmp/access-log-XXXXXX";
static char log_path[64];

static size_t lines_in(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t lines = 0;
    int c, last = '\n';

    assert_non_null(file);
    while ((c = fgetc(file)) != EOF) {
        lines += c == '\n';
        last = c;
    }
    fclose(file);
    assert_int_equal(last, '\n');
    return lines;
}

struct log_worker {
    struct fake_request fake;
    unsigned lines;
};

static void open_worker(struct log_worker *log)
{
    fake_request_open(&log->fake, "/pets/7", "User-Agent: test\r\n");
    fill(&log->fake);
    assert_true(loop_open(&log->fake.worker.loop));
    log->fake.worker.log = access_log_open(&log->fake.worker);
    assert_non_null(log->fake.worker.log);
}

static void close_worker(struct log_worker *log)
{
    access_log_close(log->fake.worker.log);
    loop_close(&log->fake.worker.loop);
    fake_request_close(&log->fake);
}

static void *write_lines(void *arg)
{
    struct log_worker *log = arg;

    open_worker(log);
    for (unsigned i = 0; i < log->lines; i++)
        access_log_write(&log->fake.worker, &log->fake.rq);
    close_worker(log);
    return NULL;
}

static void start(const struct gw_access_log *config, const char *path)
{
    const char *error = NULL;
    struct str unknown;

    assert_true(log_line_setup(config, NULL, 0, &unknown));
    if (!access_log_start(config, str_of(path), &error))
        fail_msg("%s: %s", path, error);
}

static void test_file(void **state)
{
    struct gw_access_log config = {.on = true, .block_when_full = true};
    struct log_worker logs[2] = {{.lines = 5000}, {.lines = 5000}};
    pthread_t threads[2];

    (void)state;
    start(&config, log_path);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &logs[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    access_log_stop(5000);
    assert_int_equal(lines_in(log_path), 10000);
    unlink(log_path);
}

static void test_quiet_route(void **state)
{
    struct log_worker log = {0};

    (void)state;
    start(&json, log_path);
    open_worker(&log);
    log.fake.rq.route = &quiet;
    access_log_write(&log.fake.worker, &log.fake.rq);
    log.fake.rq.route = NULL; /* nothing matched: that is told */
    access_log_write(&log.fake.worker, &log.fake.rq);
    close_worker(&log);
    access_log_stop(5000);
    assert_int_equal(lines_in(log_path), 1);
    unlink(log_path);
}

/* USR1: what comes after goes to a new file of the name. */
static void test_reopen(void **state)
{
    char moved[80];
    struct log_worker log = {0};

    (void)state;
    snprintf(moved, sizeof moved, "%s.1", log_path);
    start(&json, log_path);
    open_worker(&log);
    assert_int_equal(rename(log_path, moved), 0);
    access_log_reopen();
    for (int i = 0; i < 200 && access(log_path, F_OK) != 0; i++)
        usleep(10000);
    access_log_write(&log.fake.worker, &log.fake.rq);
    close_worker(&log);
    access_log_stop(5000);
    assert_int_equal(lines_in(moved), 0);
    assert_int_equal(lines_in(log_path), 1);
    unlink(moved);
    unlink(log_path);
}

/* Nobody reads the pipe: writers go on, losses are counted, and the end comes in time. */
static void test_stuck_reader(void **state)
{
    struct log_worker log = {.lines = 20000};
    uint64_t before = access_log_dropped(), begun = clock_ms();
    int reader;

    (void)state;
    assert_int_equal(mkfifo(log_path, 0600), 0);
    reader = open(log_path, O_RDONLY | O_NONBLOCK);
    start(&json, log_path);
    write_lines(&log);
    assert_in_range(clock_ms() - begun, 0, 2000);
    assert_in_range(access_log_dropped() - before, 1, 20000);
    access_log_stop(200);
    assert_in_range(clock_ms() - begun, 0, 3000);
    assert_true(access_log_dropped() - before > 19000);
    close(reader);
    unlink(log_path);
}

static void *read_slowly(void *arg)
{
    size_t *lines = arg;
    int fd = open(log_path, O_RDONLY);
    char bytes[5000];
    ssize_t got;

    while ((got = read(fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            *lines += bytes[i] == '\n';
        usleep(200);
    }
    close(fd);
    return NULL;
}

/* on_full: block: a slow reader gets every line. */
static void test_blocking(void **state)
{
    struct gw_access_log config = {.on = true, .block_when_full = true};
    struct log_worker log = {.lines = 3000};
    size_t lines = 0;
    pthread_t reader;

    (void)state;
    assert_int_equal(mkfifo(log_path, 0600), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_slowly, &lines), 0);
    start(&config, log_path);
    write_lines(&log);
    access_log_stop(10000);
    pthread_join(reader, NULL);
    assert_int_equal(lines, 3000);
    unlink(log_path);
}

/* A reader that has gone is an error to count, not a signal to die of. */
static void test_reader_gone(void **state)
{
    struct log_worker log = {.lines = 3000};
    uint64_t before = access_log_dropped();
    int reader;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(mkfifo(log_path, 0600), 0);
    reader = open(log_path, O_RDONLY | O_NONBLOCK);
    start(&json, log_path);
    close(reader);
    write_lines(&log);
    access_log_stop(1000);
    assert_int_equal(access_log_dropped() - before, 3000);
    unlink(log_path);
}

static void test_bad_output(void **state)
{
    const char *error = NULL;

    (void)state;
    assert_false(access_log_start(&json, STR("/nowhere/access.log"), &error));
    assert_string_equal(error, "No such file or directory");
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(log_path, sizeof log_path, "%s/access.log", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),      cmocka_unit_test(test_queries),
        cmocka_unit_test(test_bounds),       cmocka_unit_test(test_json_line),
        cmocka_unit_test(test_json_refused), cmocka_unit_test(test_fields),
        cmocka_unit_test(test_combined),     cmocka_unit_test(test_trace_id),
        cmocka_unit_test(test_longest),      cmocka_unit_test(test_file),
        cmocka_unit_test(test_quiet_route),  cmocka_unit_test(test_reopen),
        cmocka_unit_test(test_stuck_reader), cmocka_unit_test(test_blocking),
        cmocka_unit_test(test_reader_gone),  cmocka_unit_test(test_bad_output),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
