#pragma once

// All callbacks of reel/train.

#include "reel/train/callbacks/clip_grad_norm.h"
#include "reel/train/callbacks/csv_logger.h"
#include "reel/train/callbacks/early_stopping.h"
#include "reel/train/callbacks/learning_rate_scheduler.h"
#include "reel/train/callbacks/lr_scheduler.h"
#include "reel/train/callbacks/model_checkpoint.h"
#include "reel/train/callbacks/progress_bar.h"
