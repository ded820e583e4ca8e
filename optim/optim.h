#pragma once

// Every optimizer of torch.optim, and Lion; every schedule of the learning rate. There is no SparseAdam: it is Adam for gradients that are
// sparse tensors, and Reel's are dense, those of nn::Embedding too. Use Adam.

#include "reel/optim/adadelta.h"
#include "reel/optim/adafactor.h"
#include "reel/optim/adagrad.h"
#include "reel/optim/adam.h"
#include "reel/optim/adamax.h"
#include "reel/optim/adamw.h"
#include "reel/optim/asgd.h"
#include "reel/optim/average.h"
#include "reel/optim/elementwise.h"
#include "reel/optim/lbfgs.h"
#include "reel/optim/lion.h"
#include "reel/optim/lr_scheduler/lr_scheduler.h"
#include "reel/optim/muon.h"
#include "reel/optim/nadam.h"
#include "reel/optim/optimizer.h"
#include "reel/optim/radam.h"
#include "reel/optim/rmsprop.h"
#include "reel/optim/rprop.h"
#include "reel/optim/sgd.h"
