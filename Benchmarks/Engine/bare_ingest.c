// SPDX-License-Identifier: Apache-2.0
// The yardstick for ingest: the engine's own prepared INSERTs in batches of the engine's size, durable, and nothing else: no
// socket, no parsing, no check of what is there.
//
// bare_ingest DATABASE METRICS ROWS BATCH FIRST_TIME [heads]
//
// DATABASE has the engine's tables and is otherwise empty. Lines come one of every metric in turn. With `heads` each batch also
// reads and updates its metrics' rows in `metric` as the engine has to. Prints CPU seconds and elapsed seconds.
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sqlite3 *database;

static void check(int status) {
    if (status == SQLITE_OK || status == SQLITE_DONE || status == SQLITE_ROW) return;
    fprintf(stderr, "%s\n", sqlite3_errmsg(database));
    exit(1);
}

static sqlite3_stmt *prepare(const char *text) {
    sqlite3_stmt *statement;
    check(sqlite3_prepare_v3(database, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL));
    return statement;
}

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void run(sqlite3_stmt *statement) {
    check(sqlite3_step(statement));
    check(sqlite3_reset(statement));
}

static void stamp(char *text, long time) {
    time_t moment = time;
    struct tm parts;
    gmtime_r(&moment, &parts);
    strftime(text, 20, "%Y-%m-%d %H:%M:%S", &parts);
}

int main(int count, char **arguments) {
    if (count < 6) return 2;
    long metrics = atol(arguments[2]), rows = atol(arguments[3]), batch = atol(arguments[4]), first = atol(arguments[5]);
    int heads = count > 6 && strcmp(arguments[6], "heads") == 0;
    check(sqlite3_open(arguments[1], &database));
    check(sqlite3_exec(database,
                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                       "PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864",
                       NULL, NULL, NULL));
    char (*uids)[33] = malloc(metrics * 33);
    sqlite3_stmt *create = prepare("INSERT INTO metric (uid, name, status, last_rowid) VALUES (?, ?, 0, 0)");
    sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
    unsigned long long state = 88172645463325252ULL;
    run(begin);
    for (long metric = 0; metric < metrics; metric++) {
        unsigned long long halves[2];
        for (int half = 0; half < 2; half++) {
            // Marsaglia, "Xorshift RNGs", 2003: uids as random as the engine's.
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            halves[half] = state;
        }
        snprintf(uids[metric], 33, "%016llx%016llx", halves[0], halves[1]);
        char name[40];
        int length = snprintf(name, sizeof name, "bench.host%05ld.load", metric);
        check(sqlite3_bind_text(create, 1, uids[metric], 32, SQLITE_STATIC));
        check(sqlite3_bind_text(create, 2, name, length, SQLITE_STATIC));
        run(create);
    }
    run(commit);
    sqlite3_stmt *insert = prepare("INSERT INTO metric_data (uid, rowid, timestamp, metric_value) VALUES (?, ?, ?, ?)");
    sqlite3_stmt *head = prepare("SELECT uid, name, status, last_rowid, last_timestamp FROM metric WHERE uid = ?");
    sqlite3_stmt *update = prepare("UPDATE metric SET last_rowid = ?, last_timestamp = ? WHERE uid = ?");
    // The first row of each metric comes before the measurement, as it does for the engine.
    double cpu = 0, elapsed = 0;
    long row = 0;
    while (row < rows + metrics) {
        if (row == metrics) cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), elapsed = seconds(CLOCK_MONOTONIC);
        long limit = row < metrics ? metrics : rows + metrics;
        run(begin);
        long start = row;
        for (; row < limit && row < start + batch; row++) {
            char text[20];
            stamp(text, first + 300 * (row / metrics));
            check(sqlite3_bind_text(insert, 1, uids[row % metrics], 32, SQLITE_STATIC));
            check(sqlite3_bind_int64(insert, 2, row / metrics + 1));
            check(sqlite3_bind_text(insert, 3, text, 19, SQLITE_STATIC));
            check(sqlite3_bind_double(insert, 4, 50 + (row * 37 % 101) / 3.0));
            run(insert);
            // Once for each metric of the batch, with its last row.
            if (!heads || row + metrics < start + batch) continue;
            check(sqlite3_bind_text(head, 1, uids[row % metrics], 32, SQLITE_STATIC));
            run(head);
            check(sqlite3_bind_int64(update, 1, row / metrics + 1));
            check(sqlite3_bind_text(update, 2, text, 19, SQLITE_STATIC));
            check(sqlite3_bind_text(update, 3, uids[row % metrics], 32, SQLITE_STATIC));
            run(update);
        }
        run(commit);
    }
    printf("%.6f %.6f\n", seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, seconds(CLOCK_MONOTONIC) - elapsed);
    return 0;
}
