/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a database must survive: kill -9, a full disk, failing I/O, no memory, several writers. After
 * each fault the file is sound, no run is half there, and every run that was reported stored is there. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "sim/store/sql.h"
#include "tests/store_fixture.h"
#include "tests/suite.h"

static char *one_ring[] = { "256", NULL };
static char *two_rings[] = { "256", "4096", NULL };

/* Stores what is missing of the plan, counting in `stored` what was reported stored; stops at the first
 * error. */
static int try_all(struct store *s, const struct sweep_plan *p, int *stored)
{
    char final[64];
    int64_t id;

    if (store_experiment(s, "faults", "sweep", p, NULL, &id, final) != 0)
        return -1;
    for (int i = 0; i < p->points; i++)
        for (int rep = 0; rep < p->reps; rep++) {
            struct result r;
            char key[33];

            plan_key(&p->point[i], (uint64_t)rep, key);
            if (store_has_run(s, key))
                continue;
            result_make(&r, (uint64_t)(10 * i + rep));
            int failed = store_run(s, id, p, &p->point[i], (uint64_t)rep, key, &r, NULL);
            result_free(&r);
            if (failed)
                return -1;
            ++*stored;
        }
    return store_sweep_view(s, id);
}

static int64_t runs_in(const char *path)
{
    return ask_int(path, "SELECT count(*) FROM run");
}

/* ---- kill -9 ---- */

/* Everything of the results but what a clock says. */
static void outcome(const char *path, char *text, size_t size)
{
    ask_text(path, "SELECT group_concat(row, ' ') FROM (SELECT p.ordinal || '/' || r.repetition || ':' ||"
             " r.fingerprint || ':' || (SELECT sum(value) FROM metric WHERE run_id = r.id) || ':' ||"
             " (SELECT sum(n * lo_ps) FROM latency_hist WHERE run_id = r.id) AS row FROM run r"
             " JOIN point p ON p.id = r.point_id ORDER BY p.ordinal, r.repetition)", text, size);
}

static void write_until_killed(const char *path, const struct sweep_plan *p)
{
    struct store *s;
    int stored = 0;

    if (store_open(&s, path, true) != 0 || try_all(s, p, &stored) != 0)
        _exit(1);
    store_close(s);
    _exit(0);
}

START_TEST(a_sweep_killed_again_and_again_ends_as_one_that_was_not)
{
    enum { ROUNDS = 30, REPS = 100 };
    static char disturbed[REPS * 200], undisturbed[REPS * 200];
    struct fixture f, g;
    struct sweep_plan plan;
    unsigned random = 1;
    int killed = 0, failed = 0, stored = 0;

    fixture_make(&f);
    fixture_make(&g);
    plan_make(&plan, two_rings, REPS / 2, "p");
    for (int round = 0; round < ROUNDS; round++) {
        int status;
        pid_t writer = fork();

        ck_assert_int_ge(writer, 0);
        if (writer == 0)
            write_until_killed(f.db, &plan);
        random = random * 1103515245 + 12345;
        usleep((random >> 16) % 12000);         /* from before the file exists to some runs later */
        kill(writer, SIGKILL);
        waitpid(writer, &status, 0);
        killed += WIFSIGNALED(status);
        failed += WIFEXITED(status) && WEXITSTATUS(status) != 0;
        struct stat st;
        if (stat(f.db, &st) == 0 && st.st_size > 0 && ask_int(f.db, "SELECT count(*) FROM sqlite_schema") > 0)
            check_sound(f.db);
    }
    ck_assert_int_gt(killed, 0);
    CHECK_EQ(failed, 0);

    struct store *s = open_store(f.db, true);
    CHECK_EQ(try_all(s, &plan, &stored), 0);
    store_close(s);
    s = open_store(g.db, true);
    CHECK_EQ(try_all(s, &plan, &stored), 0);
    store_close(s);
    check_sound(f.db);
    CHECK_EQ(runs_in(f.db), REPS);
    outcome(f.db, disturbed, sizeof disturbed);
    outcome(g.db, undisturbed, sizeof undisturbed);
    ck_assert_str_eq(disturbed, undisturbed);
    plan_free(&plan);
    fixture_remove(&f);
    fixture_remove(&g);
}
END_TEST

/* ---- several writers ---- */

START_TEST(writers_at_the_same_time_lose_and_double_nothing)
{
    enum { WRITERS = 4, REPS = 20 };
    struct fixture f;
    struct sweep_plan plan;
    pid_t writer[WRITERS];

    fixture_make(&f);
    plan_make(&plan, two_rings, REPS, "p");
    for (int i = 0; i < WRITERS; i++) {
        writer[i] = fork();
        if (writer[i] == 0)
            write_until_killed(f.db, &plan);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;

        waitpid(writer[i], &status, 0);
        CHECK_EQ(status, 0);
    }
    check_sound(f.db);
    CHECK_EQ(runs_in(f.db), 2 * REPS);
    CHECK_EQ(ask_int(f.db, "SELECT count(DISTINCT run_key) FROM run"), 2 * REPS);
    CHECK_EQ(ask_int(f.db, "SELECT count(*) FROM experiment"), 1);
    CHECK_EQ(ask_int(f.db, "SELECT count(*) FROM point"), 2);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

/* ---- a full disk ---- */

START_TEST(a_full_database_takes_no_half_run_and_goes_on_when_there_is_room)
{
    struct fixture f;
    struct sweep_plan plan;
    int stored = 0;

    fixture_make(&f);
    plan_make(&plan, two_rings, 50, "p");
    struct store *s = open_store(f.db, true);
    /* Room for some runs, not for all 100: a run takes some five pages. */
    CHECK_EQ(sql_exec(s, "PRAGMA max_page_count = 200"), 0);
    CHECK_EQ(try_all(s, &plan, &stored), -1);
    ck_assert_msg(strstr(store_error(s), "no space left") != NULL, "%s", store_error(s));
    ck_assert_int_gt(stored, 0);
    CHECK_EQ(runs_in(f.db), stored);
    check_sound(f.db);
    CHECK_EQ(sql_exec(s, "PRAGMA max_page_count = 1000000"), 0);
    CHECK_EQ(try_all(s, &plan, &stored), 0);
    CHECK_EQ(stored, 100);
    store_close(s);
    CHECK_EQ(runs_in(f.db), 100);
    check_sound(f.db);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

/* The kernel refuses the write: EFBIG stands for ENOSPC, which would need a file system of our own. */
START_TEST(a_disk_that_takes_no_more_leaves_the_stored_runs)
{
    struct fixture f;
    struct sweep_plan plan;
    struct rlimit was, limit;
    int stored = 0;

    fixture_make(&f);
    plan_make(&plan, two_rings, 50, "p");
    struct store *s = open_store(f.db, true);
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_IGN);
    limit = was;
    limit.rlim_cur = 600 * 1024;
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK_EQ(try_all(s, &plan, &stored), -1);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &was), 0);
    ck_assert_msg(strstr(store_error(s), "nothing of this run was stored") != NULL, "%s", store_error(s));
    ck_assert_int_gt(stored, 0);
    store_close(s);
    CHECK_EQ(runs_in(f.db), stored);
    check_sound(f.db);
    plan_free(&plan);
    fixture_remove(&f);
}
END_TEST

/* ---- every n-th call fails ---- */

/* Counts down to the call that fails; negative: nothing fails. Sticky faults stay, as a dead disk does. */
static int fail_in = -1;
static bool sticky;

static bool fault(void)
{
    if (fail_in < 0)
        return false;
    if (fail_in > 0) {
        fail_in--;
        return fail_in == 0;
    }
    return sticky;
}

/* A VFS over the default one. Files are opened by the real one; their method tables (one for databases,
 * one for journals) are replaced by copies with the writing calls wrapped. */
static sqlite3_vfs shim, *real_vfs;
static struct { const sqlite3_io_methods *real; sqlite3_io_methods copy; } tables[4];

static const sqlite3_io_methods *real_methods(sqlite3_file *file)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (file->pMethods == &tables[i].copy)
            return tables[i].real;
    abort();
}

static int shim_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
    return fault() ? SQLITE_IOERR_WRITE : real_methods(file)->xWrite(file, data, n, at);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return fault() ? SQLITE_IOERR_TRUNCATE : real_methods(file)->xTruncate(file, size);
}

static int shim_sync(sqlite3_file *file, int flags)
{
    return fault() ? SQLITE_IOERR_FSYNC : real_methods(file)->xSync(file, flags);
}

static int shim_lock(sqlite3_file *file, int level)
{
    return fault() ? SQLITE_IOERR_LOCK : real_methods(file)->xLock(file, level);
}

static int shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
{
    return fault() ? SQLITE_IOERR_SHMMAP : real_methods(file)->xShmMap(file, page, size, extend, at);
}

static void wrap(sqlite3_file *file)
{
    size_t i = 0;

    while (tables[i].real && tables[i].real != file->pMethods)
        ck_assert_uint_lt(++i, sizeof tables / sizeof tables[0]);
    if (!tables[i].real) {
        tables[i].real = file->pMethods;
        tables[i].copy = *file->pMethods;
        tables[i].copy.xWrite = shim_write;
        tables[i].copy.xTruncate = shim_truncate;
        tables[i].copy.xSync = shim_sync;
        tables[i].copy.xLock = shim_lock;
        if (tables[i].copy.xShmMap)
            tables[i].copy.xShmMap = shim_shm_map;
    }
    file->pMethods = &tables[i].copy;
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    file->pMethods = NULL;
    if (fault())
        return SQLITE_CANTOPEN;
    int code = real_vfs->xOpen(real_vfs, name, file, flags, out);
    if (code == SQLITE_OK)
        wrap(file);
    return code;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    return fault() ? SQLITE_IOERR_DELETE : real_vfs->xDelete(real_vfs, name, sync);
}

/* Opens, stores and closes with the n-th fault armed; then looks at what is there. True if n was never
 * reached. */
static bool survive_fault(int n)
{
    struct fixture f;
    struct sweep_plan plan;
    struct store *s;
    int stored = 0;

    fixture_make(&f);
    plan_make(&plan, one_ring, 2, "p");
    fail_in = n;
    int failed = store_open(&s, f.db, true);
    if (!failed)
        failed = try_all(s, &plan, &stored);
    if (failed) {
        const char *error = store_error(s);
        ck_assert_msg(error[0] != '\0' && strstr(error, "defect") == NULL, "call %d: %s", n, error);
    }
    store_close(s);
    bool untouched = fail_in > 0;
    fail_in = -1;
    ck_assert_msg(!untouched || !failed, "call %d was not reached, and yet something failed", n);

    /* A commit that was reported failed may be there after all; one reported done must be. */
    s = open_store(f.db, true);
    ck_assert_msg(runs_in(f.db) >= stored, "call %d: %d runs were reported stored", n, stored);
    check_sound(f.db);
    ck_assert_msg(try_all(s, &plan, &stored) == 0, "call %d: cannot go on: %s", n, store_error(s));
    store_close(s);
    CHECK_EQ(runs_in(f.db), 2);
    plan_free(&plan);
    fixture_remove(&f);
    return untouched;
}

static void fail_every_call(bool stays)
{
    int n = 1;

    real_vfs = sqlite3_vfs_find(NULL);
    shim = *real_vfs;
    shim.zName = "faulty";
    shim.xOpen = shim_open;
    shim.xDelete = shim_delete;
    CHECK_EQ(sqlite3_vfs_register(&shim, 1), SQLITE_OK);
    sticky = stays;
    /* What follows a dead disk's first fault is nearly the same from call to call: each third will do. */
    while (!survive_fault(n))
        n += stays ? 3 : 1;
    ck_assert_int_gt(n, 20);                    /* there were calls to fail */
    sqlite3_vfs_register(real_vfs, 1);
    sqlite3_vfs_unregister(&shim);
}

START_TEST(any_one_failing_io_call_harms_no_stored_run)
{
    fail_every_call(false);
}
END_TEST

START_TEST(a_disk_that_dies_at_any_call_harms_no_stored_run)
{
    fail_every_call(true);
}
END_TEST

/* ---- no memory ---- */

static sqlite3_mem_methods real_memory;

static void *faulty_malloc(int n)
{
    return fault() ? NULL : real_memory.xMalloc(n);
}

static void *faulty_realloc(void *old, int n)
{
    return fault() ? NULL : real_memory.xRealloc(old, n);
}

START_TEST(running_out_of_memory_harms_no_stored_run)
{
    sqlite3_mem_methods faulty;
    int n = 1;

    sqlite3_shutdown();
    CHECK_EQ(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    faulty = real_memory;
    faulty.xMalloc = faulty_malloc;
    faulty.xRealloc = faulty_realloc;
    CHECK_EQ(sqlite3_config(SQLITE_CONFIG_MALLOC, &faulty), SQLITE_OK);
    sticky = false;
    /* Thousands of allocations, much alike: each of the first 20, then ever fewer. */
    while (!survive_fault(n))
        n += 1 + n / 10;
   ck_assert_int_gt(n, 1000);
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_MALLOC, &real_memory);
}
END_TEST

SUITE(store_faults, a_sweep_killed_again_and_again_ends_as_one_that_was_not,
      writers_at_the_same_time_lose_and_double_nothing,
      a_full_database_takes_no_half_run_and_goes_on_when_there_is_room,
      a_disk_that_takes_no_more_leaves_the_stored_runs, any_one_failing_io_call_harms_no_stored_run,
      a_disk_that_dies_at_any_call_harms_no_stored_run, running_out_of_memory_harms_no_stored_run)
