#include "policy/basic.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/cache.h"
#include "base/crypto.h"
#include "base/password.h"
#include "base/random.h"
#include "base/utf8.h"
#include "io/jobs.h"
#include "request/carried.h"

enum {
    LOGIN_MAX = 1024, /* name, colon and password */
    WRONG_KEPT = 256, /* bad passwords that are remembered */
    CHECK_MS = 30000, /* in the queue and on a thread */
    RETRY_AFTER = 1   /* s */
};

/* ---- credentials ---- */

static const char *make(struct credential *credential, struct pool *pool)
{
    struct password *hash = pool_new(pool, struct password);

    credential->made = hash;
    return password_parse(hash, credential->secret);
}

const struct credential_kind basic_credentials = {.make = make};

/* What a request carries. */
struct login {
    struct pool secret;
    struct str text, user, word;
};

/* RFC 7617 section 2: the first colon ends the name. */
static bool read_text(struct login *login, struct str base64)
{
    size_t colon;

    if (base64.len > LOGIN_MAX / 3 * 4 || !base64_read(&login->secret, base64, &login->text))
        return false;
    colon = str_find(login->text, ':');
    login->user = str_head(login->text, colon);
    login->word = str_from(login->text, colon + 1);
    return colon < login->text.len && !str_has_controls(login->text) && utf8_valid(login->text);
}

static bool read_login(struct gw_req *rq, struct login *login)
{
    struct carried carried = {0};
    size_t space;

    carried_in_fields(rq, STR("Authorization"), &carried);
    space = str_find(carried.text, ' ');
    if (!carried.is_twice && !str_eq_nocase(str_head(carried.text, space), STR("Basic")))
        return identity_lacks(rq, "a user's name and password are needed");
    if (carried.is_twice)
        return identity_is_wrong(rq, "there are two Authorization fields");
    return read_text(login, str_trim(str_from(carried.text, space), " ")) ||
           identity_is_wrong(rq, "the Basic credentials cannot be read");
}

/* ---- checks under way, and what came of those before ---- */

/* What a thread gets. */
struct task {
    struct password hash;
    enum password_verdict verdict;
    size_t len;
    char word[LOGIN_MAX];
};

struct desk;

/* One password that is being checked, for all who have come with it. */
struct check {
    struct check *next, **link; /* at its desk */
    struct desk *desk;
    struct job job;
    unsigned users;
    bool is_judged;
    enum password_verdict verdict;
    unsigned char digest[CACHE_DIGEST];
};

/* Of a scheme, on one worker. */
struct desk {
    unsigned char key[CRYPTO_SHA256]; /* nobody can tell what is remembered */
    struct cache *right, *wrong;
    struct check *checks;
};

static void close_desk(void *kept)
{
    struct desk *desk = kept;

    cache_free(desk->right);
    cache_free(desk->wrong);
    explicit_bzero(desk, sizeof *desk);
    free(desk);
}

static struct desk *desk_of(struct gw_req *rq, const struct gw_basic *scheme)
{
    void **kept = worker_keep(rq->worker, scheme, close_desk);
    struct desk *desk = *kept;

    if (desk)
        return desk;
    desk = *kept = pool_xmalloc(sizeof *desk);
    *desk = (struct desk){.right = cache_new(scheme->cache_size, NULL),
                          .wrong = cache_new(WRONG_KEPT, NULL)};
    random_bytes(desk->key, sizeof desk->key);
    return desk;
}

/* Of all that a verdict hangs on, the hash in question included: one that is replaced finds nothing. */
static void digest(const struct desk *desk, const struct login *login, const struct password *hash,
                   bool is_known, unsigned char out[CACHE_DIGEST])
{
    struct {
        unsigned char key[CRYPTO_SHA256], salt[PASSWORD_BYTES], hash[PASSWORD_BYTES], is_known;
        char text[LOGIN_MAX];
    } all;

    memcpy(all.key, desk->key, sizeof all.key);
    memcpy(all.salt, hash->salt, sizeof all.salt);
    memcpy(all.hash, hash->hash, sizeof all.hash);
    all.is_known = is_known;
    memcpy(all.text, login->text.at, login->text.len);
    crypto_sha256(
        (struct str){(const char *)&all, offsetof(__typeof__(all), text) + login->text.len}, out);
    explicit_bzero(&all, sizeof all);
}

/* Whoever is not known is checked against the hash of somebody, always the same one: who measures the time learns
 * what that one's name would tell. */
static const struct credential *stand_in(const struct consumers_module *module,
                                         const struct consumers *all, struct str user)
{
    const struct credential *first = module->some(all, GW_CREDENTIAL_BASIC, 0);
    const struct password *hash = first ? first->made : NULL;
    unsigned char bytes[PASSWORD_BYTES + LOGIN_MAX], drawn[CRYPTO_SHA256];
    uint64_t number;

    if (!first)
        return NULL;
    memcpy(bytes, hash->hash, PASSWORD_BYTES);
    memcpy(bytes + PASSWORD_BYTES, user.at, user.len);
    crypto_sha256((struct str){(const char *)bytes, PASSWORD_BYTES + user.len}, drawn);
    memcpy(&number, drawn, sizeof number);
    return module->some(all, GW_CREDENTIAL_BASIC, number);
}

/* ---- one check ---- */

static void work(void *data)
{
    struct task *task = data;

    task->verdict = password_check(&task->hash, (struct str){task->word, task->len});
}

static void release(struct check *check)
{
    if (--check->users > 0)
        return;
    *check->link = check->next;
    if (check->next)
        check->next->link = check->link;
    job_close(&check->job);
    free(check);
}

/* NULL: too many wait. */
static struct check *begin(struct gw_req *rq, struct desk *desk, const struct password *hash,
                           struct str word, const unsigned char known_by[CACHE_DIGEST])
{
    struct check *check = pool_xmalloc(sizeof *check);
    struct task *task;

    *check = (struct check){.desk = desk, .users = 1};
    memcpy(check->digest, known_by, CACHE_DIGEST);
    job_open(&check->job, sizeof *task, work);
    task = check->job.data;
    task->hash = *hash;
    task->len = word.len;
    memcpy(task->word, word.at, word.len);
    if (!job_start(&check->job, &rq->worker->loop, CHECK_MS)) {
        worker_count_up(&rq->worker->password_refusals);
        free(check);
        return NULL;
    }
    worker_count_up(&rq->worker->password_checks);
    check->next = desk->checks;
    check->link = &desk->checks;
    if (check->next)
        check->next->link = &check->next;
    desk->checks = check;
    return check;
}

/* One that others have begun; what was given up, or has come to nothing, is not joined. */
static struct check *join(struct desk *desk, const unsigned char known_by[CACHE_DIGEST])
{
    struct check *check = desk->checks;

    while (check && (check->job.op.state != OP_RUNNING ||
                     memcmp(check->digest, known_by, CACHE_DIGEST) != 0))
        check = check->next;
    if (check)
        check->users++;
    return check;
}

/* The op has ended: the first one to ask tells the others. */
static enum password_verdict judge(struct check *check, const struct gw_basic *scheme)
{
    struct desk *desk = check->desk;
    uint64_t until = check->job.op.loop->now + scheme->cache_ttl;

    if (check->is_judged)
        return check->verdict;
    check->is_judged = true;
    check->verdict = PASSWORD_FAILED;
    if (check->job.op.state == OP_DONE)
        check->verdict = ((const struct task *)check->job.data)->verdict;
    job_close(&check->job);
    if (check->verdict == PASSWORD_RIGHT)
        cache_add(desk->right, check->digest, until);
    else if (check->verdict == PASSWORD_WRONG)
        cache_add(desk->wrong, check->digest, until);
    return check->verdict;
}

/* ---- the proof ---- */

/* What a request has begun or joined. */
struct visit {
    struct check *check; /* NULL: nothing */
};

static void leave(void *arg)
{
    struct visit *visit = arg;

    if (visit->check)
        release(visit->check);
    visit->check = NULL;
}

static struct visit *visit_of(struct gw_req *rq, const struct gw_basic *scheme)
{
    void **memo = identity_memo(rq, scheme);

    if (!*memo) {
        *memo = pool_new(&rq->pool, struct visit);
        pool_defer(&rq->pool, leave, *memo);
    }
    return *memo;
}

/* What was found out before; PASSWORD_FAILED: nothing was. */
static enum password_verdict remembered(const struct gw_req *rq, const struct desk *desk,
                                        const unsigned char known_by[CACHE_DIGEST])
{
    uint64_t now = rq->worker->loop.now;

    if (cache_find(desk->right, known_by, now))
        return PASSWORD_RIGHT;
    return cache_find(desk->wrong, known_by, now) ? PASSWORD_WRONG : PASSWORD_FAILED;
}

static void hide(struct gw_req *rq, const void *scheme)
{
    (void)scheme;
    fields_drop(&rq->head.fields, FIELD_AUTHORIZATION);
}

static bool conclude(struct gw_req *rq, const struct gw_basic *scheme,
                     const struct credential *credential, enum password_verdict verdict)
{
    if (verdict == PASSWORD_FAILED)
        return identity_is_unknown(rq, "the password could not be checked", RETRY_AFTER);
    if (verdict == PASSWORD_WRONG || !credential)
        return identity_is_wrong(rq, "the user's name or the password is wrong");
    if (scheme->hide_credentials)
        identity_hide(rq, hide, scheme);
    return identity_claim(rq, credential->consumer);
}

/* False, and rq waits: nobody knows yet, or (without a check) too many are asking. */
static bool find_out(struct gw_req *rq, const struct gw_basic *scheme, const struct login *login,
                     const struct password *hash, bool is_known, enum password_verdict *verdict)
{
    struct desk *desk = desk_of(rq, scheme);
    struct visit *visit = visit_of(rq, scheme);
    unsigned char known_by[CACHE_DIGEST];

    digest(desk, login, hash, is_known, known_by);
    /* The consumers were read anew meanwhile. */
    if (visit->check && memcmp(visit->check->digest, known_by, CACHE_DIGEST) != 0)
        leave(visit);
    if (!visit->check) {
        *verdict = remembered(rq, desk, known_by);
        if (*verdict != PASSWORD_FAILED)
            return true;
        visit->check = join(desk, known_by);
    }
    if (!visit->check)
        visit->check = begin(rq, desk, hash, login->word, known_by);
    if (!visit->check)
        return identity_is_unknown(rq, "too many passwords wait to be checked", RETRY_AFTER);
    if (visit->check->job.op.state == OP_RUNNING) {
        req_park(rq, &visit->check->job.op);
        return false;
    }
    *verdict = judge(visit->check, scheme);
    return true;
}

static bool prove(struct gw_req *rq, const struct gw_basic *scheme, const struct login *login)
{
    const struct consumers_module *module = identity_consumers(rq);
    const struct consumers *all = identity_all(rq);
    const struct credential *known = module->credential(all, GW_CREDENTIAL_BASIC, login->user);
    const struct credential *asked = known ? known : stand_in(module, all, login->user);
    enum password_verdict verdict = PASSWORD_WRONG; /* where nobody has a password */

    if (asked && !find_out(rq, scheme, login, asked->made, known != NULL, &verdict))
        return false;
    return conclude(rq, scheme, known, verdict);
}

bool gw_basic(struct gw_req *rq, const struct gw_basic *scheme)
{
    struct login login = {0};
    bool holds;

    pool_open(&login.secret, NULL);
    holds = read_login(rq, &login) && prove(rq, scheme, &login);
    pool_close_wiped(&login.secret);
    return holds;
}
