#pragma once

// All of reel/train: training, scores and progress.

#include "reel/train/fit.h"
#include "reel/train/metrics.h"
#include "reel/train/progress.h"
