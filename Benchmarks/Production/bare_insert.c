// SPDX-License-Identifier: Apache-2.0
// The yardstick for storing rows: a bare loop of multi-row INSERTs of 1000 rows, one transaction each, nothing else.
// bare_insert SOCKET USER PASSWORD DATABASE METRICS ROWS
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void check(MYSQL *connection, int status) {
    if (status != 0) {
        fprintf(stderr, "%s\n", mysql_error(connection));
        exit(1);
    }
}

int main(int count, char **arguments) {
    if (count != 7) return 2;
    MYSQL *connection = mysql_init(NULL);
    if (!mysql_real_connect(connection, NULL, arguments[2], arguments[3], arguments[4], 0, arguments[1], 0)) {
        check(connection, 1);
    }
    int metrics = atoi(arguments[5]);
    long rows = atol(arguments[6]);
    char *statement = malloc(200 * 1000);
    for (int metric = 0; metric < metrics; metric++) {
        int length = sprintf(statement, "INSERT INTO metric (uid, name, last_rowid) VALUES ('%032d', 'bare.%d', 0)", metric, metric);
        check(connection, mysql_real_query(connection, statement, length));
    }
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long row = 0; row < rows;) {
        int length = sprintf(statement, "INSERT INTO metric_data (uid, rowid, timestamp, metric_value) VALUES ");
        for (int part = 0; part < 1000 && row < rows; part++, row++) {
            long number = row / metrics;
            length += sprintf(statement + length, "%s('%032ld', %ld, '2024-%02ld-%02ld %02ld:%02ld:00', %.15g)", part ? "," : "",
                              row % metrics, number + 1, number / 40320 % 12 + 1, number / 1440 % 28 + 1,
                              number / 60 % 24, number % 60, 50 + (double)(row * 37 % 101) / 101);
        }
        check(connection, mysql_real_query(connection, statement, length));
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.0f\n", rows / (end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9));
    return 0;
}
