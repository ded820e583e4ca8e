#pragma once

// All of reel/train: training, scores and progress.

#include "reel/train/callback.h"
#include "reel/train/data.h"
#include "reel/train/fit.h"
#include "reel/train/loss.h"
#include "reel/train/metrics.h"
#include "reel/train/progress.h"
