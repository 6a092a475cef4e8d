// SPDX-License-Identifier: Apache-2.0
#include "CAllocator.h"

#include <jemalloc/jemalloc.h>

// What jemalloc looks at before anything else. Pages that were freed are kept for a second: models that come and go and grow all the time
// take them again, and what nobody takes doesn't end up as the unused rest of some block. A thread of its own gives it back.
const char *malloc_conf = "dirty_decay_ms:1000,muzzy_decay_ms:0,background_thread:true";

size_t ca_allocated_bytes(void) {
    mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    // Statistics are those of the last epoch.
    size_t epoch = 1;
    mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
    size_t bytes = 0, size = sizeof bytes;
    return mallctl("stats.allocated", &bytes, &size, NULL, 0) == 0 ? bytes : 0;
}
