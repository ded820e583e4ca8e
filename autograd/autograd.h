#pragma once

// Tensors, the tape and every op. (`autograd/xtensor.h`, for ops of one's own, and `autograd/fmt.h`
// are left out: they cost their users a second of compile time a file.)

#include "reel/autograd/allocator.h"
#include "reel/autograd/fuse.h"
#include "reel/autograd/gradcheck.h"
#include "reel/autograd/ops.h"
#include "reel/autograd/print.h"
#include "reel/autograd/profiler.h"
#include "reel/autograd/random.h"
#include "reel/autograd/tape.h"
#include "reel/autograd/tensor.h"
#include "reel/autograd/threads.h"
