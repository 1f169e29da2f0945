/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening and closing. A file that is not ours is never touched: its header is read with plain reads before
 * SQLite sees it, since even a change of journal mode would write to it. */
#include "sim/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sim/store/schema.h"
#include "sim/store/sql.h"
#include "sim/store/timeline.h"

enum { BUSY_MS = 5000 };        /* how long a writer waits for its turn before it gives up */

const char *store_error(const struct store *s)
{
    return s ? s->error : "out of memory";
}

/* ---- the file before SQLite ---- */

enum file_kind { FILE_NONE, FILE_EMPTY, FILE_OURS, FILE_OF_ANOTHER_PROGRAM, FILE_NO_DATABASE };

enum {
    HEADER_BYTES       = 100,   /* of an SQLite file, https://www.sqlite.org/fileformat2.html section 1.3 */
    AT_APPLICATION_ID  = 68,    /* big-endian */
};

static enum file_kind look_at_file(const char *path)
{
    unsigned char h[HEADER_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return FILE_NONE;
    ssize_t n = read(fd, h, sizeof h);
    close(fd);
    if (n == 0)
        return FILE_EMPTY;
    if (n < HEADER_BYTES || memcmp(h, "SQLite format 3", 16) != 0)
        return FILE_NO_DATABASE;

    const unsigned char *p = h + AT_APPLICATION_ID;
    uint32_t id = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    return id == SCHEMA_APPLICATION_ID ? FILE_OURS : FILE_OF_ANOTHER_PROGRAM;
}

/* The folder of a path, malloc'ed; "." if it has none. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* Returns 0, or -1 with errno. */
static int make_one_folder(const char *folder)
{
    struct stat st;

    if (mkdir(folder, 0777) == 0)
        return 0;
    if (errno != EEXIST || (stat(folder, &st) == 0 && S_ISDIR(st.st_mode)))
        return errno == EEXIST ? 0 : -1;
    errno = ENOTDIR;
    return -1;
}

/* Creates a folder and those above it. Returns 0, or -1 with errno. */
static int make_folder(char *folder)
{
    for (char *p = folder + 1; *p; p++)
        if (*p == '/') {
            *p = '\0';
            int made = make_one_folder(folder);
            *p = '/';
            if (made != 0)
                return -1;
        }
    return make_one_folder(folder);
}

static int check_folder(struct store *s)
{
    char *folder = folder_of(s->path);
    int failed = 0;

    if (!folder)
        return store_fail(s, "out of memory");
    if (make_folder(folder) != 0)
        failed = store_fail(s, "cannot create the folder %s (%s); create it or name another file with --db",
                            folder, strerror(errno));
    else if (eaccess(folder, W_OK | X_OK) != 0)
        failed = store_fail(s,
                            "the folder %s cannot be written (%s), and a journal is needed beside the file; "
                            "change its permissions or name another file with --db", folder, strerror(errno));
    free(folder);
    return failed;
}

static int check_file(struct store *s)
{
    struct stat st;
    bool exists = stat(s->path, &st) == 0;

    if (!exists && errno != ENOENT && errno != ENOTDIR)
        return store_fail(s, "cannot be reached (%s); check the permissions of its folders", strerror(errno));
    if (exists && S_ISDIR(st.st_mode))
        return store_fail(s, "is a folder; name a file with --db, for instance results/rxsim.db");
    if (!exists && !s->write)
        return store_fail(s, "no such database; make one with `rxsim run` or `rxsim sweep`, or name another "
                          "with --db");
    if (exists && eaccess(s->path, s->write ? R_OK | W_OK : R_OK) != 0)
        return store_fail(s, "cannot be %s (%s); change its permissions or name another file with --db",
                          s->write ? "written" : "read", strerror(errno));
    if (s->write && check_folder(s) != 0)
        return -1;

    switch (look_at_file(s->path)) {
    case FILE_NO_DATABASE:
        return store_fail(s,
                "not an rxsim database, nor any SQLite database; it was left as it is: name another "
                          "file with --db");
    case FILE_OF_ANOTHER_PROGRAM:
        return store_fail(s, "not an rxsim database but one of another program; it was left as it is: name "
                          "another file with --db");
    case FILE_EMPTY:
        if (s->write)
            return 0;
        return store_fail(s, "an empty file, not an rxsim database; `rxsim run` would fill it");
    case FILE_NONE:
    case FILE_OURS:
        break;
    }
    return 0;
}

/* WAL needs shared memory between the processes, which a network file system does not give them
 * (https://www.sqlite.org/wal.html). FUSE may be one (sshfs), so it counts as one. */
static bool on_network(const char *path)
{
    static const uint32_t network[] = {
        0x00006969, /* NFS */     0x0000517b, /* SMB */     0xff534d42, /* CIFS */   0xfe534d42, /* SMB2 */
        0x0bd00bd0, /* Lustre */  0x47504653, /* GPFS */    0x00c36400, /* Ceph */   0x19830326, /* BeeGFS */
        0x5346414f, /* AFS */     0x01021997, /* 9p */      0x65735546, /* FUSE */   0x01161970, /* GFS2 */
        0x7461636f, /* OCFS2 */   0xaad7aaea, /* PanFS */   0x73757245, /* Coda */
    };
    struct statfs fs;

    if (statfs(path, &fs) != 0)
        return false;
    for (size_t i = 0; i < sizeof network / sizeof network[0]; i++)
        if ((uint32_t)fs.f_type == network[i])
            return true;
    return false;
}

/* ---- the schema ---- */

static int user_version(struct store *s, int64_t *version)
{
    /* A path that names no file yet has version 0 too. */
    return sql_number(s, sql_ask(s, "PRAGMA user_version", NULL, 0), 0, version);
}

static int migrate_one(struct store *s, int64_t version)
{
    char text[64];

    for (const char *const *statement = schema_migration[version]; *statement; statement++)
        if (sql_exec(s, *statement) != 0)
            return -1;
    snprintf(text, sizeof text, "PRAGMA application_id = %d", SCHEMA_APPLICATION_ID);
    if (sql_exec(s, text) != 0)
        return -1;
    snprintf(text, sizeof text, "PRAGMA user_version = %d", (int)version + 1);
    return sql_exec(s, text);
}

/* All steps in one transaction, from the version found inside it: two processes may arrive at once. */
static int migrate(struct store *s)
{
    int64_t version;
    int failed = 0;

    if (sql_begin(s) != 0)
        return -1;
    if (user_version(s, &version) != 0)
        return sql_end(s, -1);
    while (!failed && version < SCHEMA_VERSION)
        failed = migrate_one(s, version++);
    return sql_end(s, failed);
}

static int check_version(struct store *s)
{
    int64_t version;

    if (user_version(s, &version) != 0)
        return -1;
    if (version > SCHEMA_VERSION)
        return store_fail(s, "written by a newer rxsim (schema %d, this one knows %d); update rxsim, or name "
                          "another file with --db", (int)version, SCHEMA_VERSION);
    if (version == SCHEMA_VERSION)
        return 0;
    if (!s->write)
        return store_fail(s, "written by an older rxsim (schema %d, this one reads %d); `rxsim doctor` on it "
                          "brings it up to date", (int)version, SCHEMA_VERSION);
    return migrate(s);
}

/* ---- open and close ---- */

static int connect(struct store *s, const char *name, int flags)
{
    if (sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK)
        return s->db ? sql_fail(s) : store_fail(s, "out of memory");
    sqlite3_busy_timeout(s->db, BUSY_MS);
    return timeline_register(s->db) == SQLITE_OK ? 0 : sql_fail(s);
}

static bool wal_has_content(const char *path)
{
    char *name = sqlite3_mprintf("%s-wal", path);
    struct stat st;
    bool content = !name || (stat(name, &st) == 0 && st.st_size > 0);

    sqlite3_free(name);
    return content;
}

/* A file left in WAL mode cannot be read the usual way where nothing may be written beside it. With no
 * log there is nothing to recover, and it can be read as it stands. */
static int connect_immutable(struct store *s)
{
    sqlite3_str *uri = sqlite3_str_new(NULL);

    sqlite3_str_appendall(uri, "file:");
    for (const char *p = s->path; *p; p++)
        if (strchr("%?#", *p))
            sqlite3_str_appendf(uri, "%%%02x", (unsigned)*p);
        else
            sqlite3_str_appendchar(uri, 1, *p);
    sqlite3_str_appendall(uri, "?immutable=1");

    char *name = sqlite3_str_finish(uri);
    sql_close(s);
    int failed = name ? connect(s, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)
                      : store_fail(s, "out of memory");
    sqlite3_free(name);
    return failed;
}

static int open_for_reading(struct store *s)
{
    if (connect(s, s->path, SQLITE_OPEN_READONLY) != 0)
        return -1;

    int code = sqlite3_exec(s->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) & 0xff;
    if ((code == SQLITE_CANTOPEN || code == SQLITE_READONLY) && !wal_has_content(s->path))
        return connect_immutable(s);
    return code == SQLITE_OK ? 0 : sql_fail(s);
}

static int open_for_writing(struct store *s)
{
    if (connect(s, s->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) != 0
        || sql_exec(s, "PRAGMA foreign_keys = ON") != 0 || check_version(s) != 0)
        return -1;
    /* If another process is at work in the other mode, its mode stays: both are safe. */
    if (on_network(s->path))
        sqlite3_exec(s->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    else
        sqlite3_exec(s->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    return sql_exec(s, "SELECT count(*) FROM sqlite_schema");
}

int store_open(struct store **out, const char *path, bool write)
{
    struct store *s = *out = calloc(1, sizeof *s);

    if (!s)
        return -1;
    s->write = write;
    s->path = strdup(path);
    if (!s->path)
        return store_fail(s, "out of memory");
    if (check_file(s) != 0)
        return -1;
    if (write ? open_for_writing(s) != 0 : open_for_reading(s) != 0 || check_version(s) != 0)
        return -1;
    s->ready = true;
    return 0;
}

/* Leaves one file in the mode that opens anywhere. No waiting here: while another process is at work
 * these fail, and the last one to leave tidies up. Tables are analysed from a sample: all of a large
 * file would take minutes. */
static void tidy(struct store *s)
{
    sql_forget(s);
    sqlite3_busy_timeout(s->db, 0);
    sqlite3_exec(s->db, "PRAGMA analysis_limit = 400", NULL, NULL, NULL);
    sqlite3_exec(s->db, "PRAGMA optimize", NULL, NULL, NULL);
    sqlite3_exec(s->db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    sqlite3_exec(s->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    if (s->ready && s->write)
        tidy(s);
    sql_close(s);
    free(s->path);
    free(s);
}
