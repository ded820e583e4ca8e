#pragma once

// Every op. Each header stands for one family: what it does here, its derivative beside the forward
// in the .cpp of the same name.

#include "reel/autograd/ops/attention.h"
#include "reel/autograd/ops/conv.h"
#include "reel/autograd/ops/create.h"
#include "reel/autograd/ops/index.h"
#include "reel/autograd/ops/join.h"
#include "reel/autograd/ops/matmul.h"
#include "reel/autograd/ops/norm.h"
#include "reel/autograd/ops/pointwise.h"
#include "reel/autograd/ops/pool.h"
#include "reel/autograd/ops/random.h"
#include "reel/autograd/ops/recurrent.h"
#include "reel/autograd/ops/reduce.h"
#include "reel/autograd/ops/softmax.h"
#include "reel/autograd/ops/view.h"
