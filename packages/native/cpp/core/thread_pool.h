// One pool of threads for the whole process, whichever JavaScript threads call it.
#pragma once

#include <cstddef>
#include <functional>

#include "task.h"

namespace surprisal {

/// Calls `body(item)` for every item from 0 to `count` on up to `threads` threads, the calling one among them.
///
/// Items start in order; which thread takes which is left to chance, so `body` must write only what belongs to its item.
/// Returns when no item is running any more. Throws what the failed item with the smallest number threw (items
/// after a failed one may not run), or Error ABORTED if `task.stop` is set.
void parallel_for(std::size_t count, unsigned threads, Task& task, const std::function<void(std::size_t)>& body);

}  // namespace surprisal
