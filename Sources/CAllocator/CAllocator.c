// SPDX-License-Identifier: Apache-2.0
#include "CAllocator.h"

#include <jemalloc/jemalloc.h>

// What jemalloc looks at before anything else. Memory that was freed is kept for a minute, since models come and go and grow all the time:
// getting pages from the system again is a quarter of the time that loading one takes. A thread of its own gives the rest back.
const char *malloc_conf = "dirty_decay_ms:60000,muzzy_decay_ms:0,background_thread:true";

size_t ca_allocated_bytes(void) {
    mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    // Statistics are those of the last epoch.
    size_t epoch = 1;
    mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
    size_t bytes = 0, size = sizeof bytes;
    return mallctl("stats.allocated", &bytes, &size, NULL, 0) == 0 ? bytes : 0;
}
