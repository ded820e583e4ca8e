#pragma once

// All metrics of reel/train.

#include "reel/train/metrics/accuracy.h"
#include "reel/train/metrics/confusion_matrix.h"
#include "reel/train/metrics/mean.h"
#include "reel/train/metrics/mean_error.h"
#include "reel/train/metrics/metric.h"
#include "reel/train/metrics/precision.h"
