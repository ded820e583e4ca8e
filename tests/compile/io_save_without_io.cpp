// must not compile: a model is written by io::save\(net
#include <reel/reel.h>

using namespace reel;

int main() {
  nn::Sequential net{nn::Linear{2, 3}};
  save(net, "net.safetensors");
}
