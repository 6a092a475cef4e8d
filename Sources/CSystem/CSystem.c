// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE 1
#include "CSystem.h"
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

ptrdiff_t cs_find_byte(const void *start, int byte, size_t length) {
    const char *found = memchr(start, byte, length);
    return found ? found - (const char *)start : -1;
}

int cs_lock_file(int descriptor) {
    return flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

void cs_name_thread(const char *name) {
    char kept[16] = {0};
    strncpy(kept, name, sizeof kept - 1);
    pthread_setname_np(pthread_self(), kept);
}

long long cs_anonymous_bytes(void) {
    FILE *file = fopen("/proc/self/status", "re");
    if (!file)
        return -1;
    char line[256];
    long long kilobytes = -1;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "RssAnon: %lld kB", &kilobytes) == 1)
            break;
    fclose(file);
    return kilobytes < 0 ? -1 : kilobytes * 1024;
}

void cs_return_memory(void) {
    malloc_trim(0);
}
