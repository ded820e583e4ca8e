#pragma once

// Functions of functions: gradients, Jacobians, Hessians, runs for many samples at once, and calls of
// modules with other parameters.

#include "reel/func/functional_call.h"
#include "reel/func/grad.h"
#include "reel/func/hessian.h"
#include "reel/func/jacobian.h"
#include "reel/func/jvp.h"
#include "reel/func/vjp.h"
#include "reel/func/vmap.h"
