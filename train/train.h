#pragma once

// All of reel/train: training, scores and progress.

#include "reel/train/callback.h"
#include "reel/train/callbacks/callbacks.h"
#include "reel/train/data.h"
#include "reel/train/evaluation.h"
#include "reel/train/figures.h"
#include "reel/train/fit.h"
#include "reel/train/history.h"
#include "reel/train/loss.h"
#include "reel/train/metrics/metrics.h"
#include "reel/train/model.h"
#include "reel/train/options.h"
#include "reel/train/progress.h"
#include "reel/train/run.h"
#include "reel/train/trainer.h"
#include "reel/train/update_bn.h"
