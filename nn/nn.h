#pragma once

// Modules, layers, losses and initialisation.

#include "reel/nn/activation.h"
#include "reel/nn/any_module.h"
#include "reel/nn/batch_norm.h"
#include "reel/nn/conv.h"
#include "reel/nn/dropout.h"
#include "reel/nn/fields.h"
#include "reel/nn/flatten.h"
#include "reel/nn/init.h"
#include "reel/nn/linear.h"
#include "reel/nn/loss.h"
#include "reel/nn/module.h"
#include "reel/nn/parameter.h"
#include "reel/nn/pool.h"
#include "reel/nn/sequential.h"
#include "reel/nn/state_dict.h"
#include "reel/nn/summary.h"
