#pragma once

// Every op. Each header stands for one family: what it does here, its derivative beside the forward
// in the .cpp of the same name.

#include "reel/ops/create/create.h"
#include "reel/ops/create/random.h"
#include "reel/ops/image/conv.h"
#include "reel/ops/image/pool.h"
#include "reel/ops/index/index.h"
#include "reel/ops/loss/softmax.h"
#include "reel/ops/matmul/matmul.h"
#include "reel/ops/norm/norm.h"
#include "reel/ops/pointwise/in_place.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/sequence/attention.h"
#include "reel/ops/sequence/recurrent.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/shape/pad.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/sort/sort.h"
