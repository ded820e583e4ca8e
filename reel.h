#pragma once

/// All of Reel: tensors and gradients, modules, optimizers, files, data sets and training.

#include "reel/autograd/autograd.h"
#include "reel/datasets/datasets.h"
#include "reel/func/func.h"
#include "reel/io/io.h"
#include "reel/nn/nn.h"
#include "reel/optim/optim.h"
#include "reel/train/train.h"
