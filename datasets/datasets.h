#pragma once

// Every data set and format, and the loader.

#include "reel/datasets/data_loader.h"
#include "reel/datasets/dataset.h"
#include "reel/datasets/download.h"
#include "reel/datasets/drawn_garments.h"
#include "reel/datasets/fashion_mnist.h"
#include "reel/datasets/idx.h"
#include "reel/datasets/labeled_images.h"
#include "reel/datasets/mnist.h"
#include "reel/datasets/show.h"
