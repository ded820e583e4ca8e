#pragma once

// Tensors, the tape and every op. (`autograd/xtensor.h`, for ops of one's own, and `autograd/fmt.h`
// are left out: they cost their users a second of compile time a file.)

#include "reel/autograd/checkpoint.h"
#include "reel/autograd/from_blob.h"
#include "reel/autograd/function.h"
#include "reel/autograd/gradcheck.h"
#include "reel/autograd/graphviz.h"
#include "reel/autograd/print.h"
#include "reel/autograd/profiler/profiler.h"
#include "reel/autograd/random.h"
#include "reel/autograd/tape.h"
#include "reel/autograd/tensor.h"
#include "reel/base/allocator.h"
#include "reel/base/threads.h"
#include "reel/ops/ops.h"
#include "reel/ops/pointwise/fuse.h"
