#pragma once

// Every schedule of the learning rate.

#include "reel/optim/lr_scheduler/combined.h"
#include "reel/optim/lr_scheduler/cycles.h"
#include "reel/optim/lr_scheduler/reduce_lr_on_plateau.h"
#include "reel/optim/lr_scheduler/scheduler.h"
#include "reel/optim/lr_scheduler/schedules.h"
#include "reel/optim/lr_scheduler/swa.h"
