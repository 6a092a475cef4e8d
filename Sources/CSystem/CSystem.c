// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE 1
#include "CSystem.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

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
    int descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return -1;
    char text[128];
    ssize_t length = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    if (length <= 0)
        return -1;
    text[length] = 0;
    long long resident, shared;
    if (sscanf(text, "%*d %lld %lld", &resident, &shared) != 2)
        return -1;
    return (resident - shared) * sysconf(_SC_PAGESIZE);
}

void cs_limit_arenas(int count) {
    mallopt(M_ARENA_MAX, count);
}

void cs_keep_freed_memory(void) {
    // The largest threshold there is; left to itself the allocator raises it to the largest block freed so far.
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

// jemalloc's control, in programs that have it (CAllocator).
extern int mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size) __attribute__((weak));

void cs_return_memory(void) {
    if (mallctl)
        mallctl("arena.4096.purge", NULL, NULL, NULL, 0); // of all arenas
    else
        malloc_trim(0);
}
