#pragma once

// Every optimizer.

#include "reel/optim/adam.h"
#include "reel/optim/adamw.h"
#include "reel/optim/optimizer.h"
#include "reel/optim/sgd.h"
