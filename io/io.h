#pragma once

// Files of tensors: models, optimizers and dictionaries, saved and loaded.

#include "reel/io/inspect.h"
#include "reel/io/load.h"
#include "reel/io/save.h"
#include "reel/io/tensor_file.h"
