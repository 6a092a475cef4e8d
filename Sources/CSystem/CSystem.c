// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE 1
#include "CSystem.h"
#include <errno.h>
#include <pthread.h>
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
