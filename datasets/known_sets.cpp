#include "reel/datasets/known_sets.h"

#include <algorithm>
#include <sstream>

#include "reel/base/fail.h"

namespace reel::datasets {
namespace {

/// Words between spaces.
std::vector<std::string> words(const char* text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

struct File {
  const char* name;
  const char* sha256;
  Size bytes;
};

/// Files under their names on each of several hosts.
std::vector<RemoteFile> at_hosts(const std::vector<std::string>& hosts,
                                 std::initializer_list<File> files) {
  std::vector<RemoteFile> all;
  for (const File& file : files) {
    RemoteFile remote{.name = file.name, .sha256 = file.sha256, .bytes = file.bytes};
    for (const std::string& host : hosts) remote.urls.push_back(host + file.name);
    all.push_back(std::move(remote));
  }
  return all;
}

constexpr const char* uci_licence = "CC BY 4.0 (UCI Machine Learning Repository)";
constexpr const char* scikit_learn =
    "https://raw.githubusercontent.com/scikit-learn/scikit-learn/1.0.2/sklearn/datasets/data/";
constexpr const char* brownlee =
    "https://raw.githubusercontent.com/jbrownlee/Datasets/"
    "d20fcb6402ae34e653d4513b00f39257bb37ed7f/";

SetInfo table(const char* name, const char* title, const char* source, const char* host,
              const File& file, std::vector<std::string> class_names = {}) {
  std::vector<std::string> hosts;
  if (host != nullptr) hosts.emplace_back(host);
  return {.name = name,
          .title = title,
          .source = source,
          .licence = uci_licence,
          .folder = "tabular",
          .files = at_hosts(hosts, {file}),
          .class_names = std::move(class_names)};
}

std::vector<SetInfo> image_sets() {
  return {
      {.name = "mnist",
       .title = "28x28 gray pictures of handwritten digits",
       .source = "LeCun, Cortes and Burges 1998, http://yann.lecun.com/exdb/mnist/",
       .licence = "CC BY-SA 3.0",
       .folder = "mnist",
       .files =
           at_hosts({"https://ossci-datasets.s3.amazonaws.com/mnist/",
                     "https://storage.googleapis.com/cvdf-datasets/mnist/"},
                    {{"train-images-idx3-ubyte.gz",
                      "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9912422},
                     {"train-labels-idx1-ubyte.gz",
                      "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28881},
                     {"t10k-images-idx3-ubyte.gz",
                      "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1648877},
                     {"t10k-labels-idx1-ubyte.gz",
                      "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4542}}),
       .class_names = words("0 1 2 3 4 5 6 7 8 9")},
      {.name = "fashion-mnist",
       .title = "28x28 gray pictures of clothes",
       .source = "Xiao, Rasul and Vollgraf 2017, https://github.com/zalandoresearch/fashion-mnist",
       .licence = "MIT",
       .folder = "fashion-mnist",
       .files = at_hosts(
           {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"},
           {{"train-images-idx3-ubyte.gz",
             "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26421880},
            {"train-labels-idx1-ubyte.gz",
             "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29515},
            {"t10k-images-idx3-ubyte.gz",
             "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4422102},
            {"t10k-labels-idx1-ubyte.gz",
             "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5148}}),
       .class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                       "Sneaker", "Bag", "Ankle boot"}},
      {.name = "kmnist",
       .title = "28x28 gray pictures of cursive Japanese characters",
       .source = "Clanuwat et al. 2018, https://github.com/rois-codh/kmnist",
       .licence = "CC BY-SA 4.0",
       .folder = "kmnist",
       .files = at_hosts({"http://codh.rois.ac.jp/kmnist/dataset/kmnist/"},
                         {{"train-images-idx3-ubyte.gz",
                           "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4", 0},
                          {"train-labels-idx1-ubyte.gz",
                           "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17", 0},
                          {"t10k-images-idx3-ubyte.gz",
                           "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5", 0},
                          {"t10k-labels-idx1-ubyte.gz",
                           "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c", 0}}),
       .class_names = words("o ki su tsu na ha ma ya re wo")},
      {.name = "emnist-letters",
       .title = "28x28 gray pictures of handwritten letters",
       .source =
           "Cohen et al. 2017, https://www.nist.gov/itl/products-and-services/emnist-dataset: "
           "files of its gzip.zip",
       .licence = "public domain (NIST)",
       .folder = "emnist",
       .files = at_hosts({}, {{"emnist-letters-train-images-idx3-ubyte.gz", "", 0},
                              {"emnist-letters-train-labels-idx1-ubyte.gz", "", 0},
                              {"emnist-letters-test-images-idx3-ubyte.gz", "", 0},
                              {"emnist-letters-test-labels-idx1-ubyte.gz", "", 0}}),
       .class_names = words("a b c d e f g h i j k l m n o p q r s t u v w x y z")},
      {.name = "cifar10",
       .title = "32x32 RGB pictures of animals and vehicles",
       .source = "Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
       .licence = "none given",
       .folder = "cifar10",
       .files = at_hosts(
           {"https://www.cs.toronto.edu/~kriz/"},
           {{"cifar-10-binary.tar.gz",
             "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", 170052171}}),
       .class_names = words("airplane automobile bird cat deer dog frog horse ship truck")},
      {.name = "cifar100",
       .title = "32x32 RGB pictures of a hundred kinds of things",
       .source = "Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
       .licence = "none given",
       .folder = "cifar100",
       .files = at_hosts(
           {"https://www.cs.toronto.edu/~kriz/"},
           {{"cifar-100-binary.tar.gz",
             "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", 168513733}}),
       .class_names =
           words("apple aquarium_fish baby bear beaver bed bee beetle "
                 "bicycle bottle bowl boy bridge bus butterfly camel "
                 "can castle caterpillar cattle chair chimpanzee clock cloud "
                 "cockroach couch crab crocodile cup dinosaur dolphin elephant "
                 "flatfish forest fox girl hamster house kangaroo keyboard "
                 "lamp lawn_mower leopard lion lizard lobster man maple_tree "
                 "motorcycle mountain mouse mushroom oak_tree orange orchid otter "
                 "palm_tree pear pickup_truck pine_tree plain plate poppy porcupine "
                 "possum rabbit raccoon ray road rocket rose sea "
                 "seal shark shrew skunk skyscraper snail snake spider "
                 "squirrel streetcar sunflower sweet_pepper table tank telephone television "
                 "tiger tractor train trout tulip turtle wardrobe whale "
                 "willow_tree wolf woman worm")},
      {.name = "optdigits",
       .title = "8x8 gray pictures of handwritten digits",
       .source = "Alpaydin and Kaynak 1998, doi:10.24432/C50P49; the files tra and hol joined",
       .licence = uci_licence,
       .folder = "digits",
       .files = at_hosts(
           {}, {{"optdigits_train.csv.gz",
                 "8a8d95daa5a2d60207e90b3c72f6ca8c5c3b9b350c059f5bdaeb63b01e3f1ed1", 112473},
                {"optdigits_test.csv.gz",
                 "34af3b9b1a8afa599fef9fa56f4d7d4933c3e969bdf02f3fa698213eb8c8adec", 53379}}),
       .class_names = words("0 1 2 3 4 5 6 7 8 9")},
  };
}

std::vector<SetInfo> other_sets() {
  return {
      table("iris", "sizes of flowers of three kinds", "Fisher 1936, as scikit-learn has it",
            scikit_learn,
            {"iris.csv", "f13ffa8fdd56fd8e6c8d16d4081a3fbd3114bcd0aae4256c43205169cd9d1449", 2734},
            words("setosa versicolor virginica")),
      table("wine", "chemical analyses of wines of three cultivars",
            "Forina et al. 1988, as scikit-learn has it", scikit_learn,
            {"wine.csv", "10e8a802908b34f86e5da8ce962f3c806694bc98450a18f61851af59f324bede", 11157},
            words("class_0 class_1 class_2")),
      table("breast-cancer", "cell nuclei of breast tumours, benign and malignant",
            "Wolberg, Street and Mangasarian 1995, as scikit-learn has it", scikit_learn,
            {"breast_cancer.csv",
             "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed", 119913},
            words("malignant benign")),
      table("banknote", "wavelet statistics of pictures of banknotes", "Lohweg 2012", brownlee,
            {"banknote_authentication.csv",
             "d0539aaed2139ba7a587b3e34fb345ce503ff7d5d33dbf9912d8e195ce425cb9", 46400},
            words("genuine forged")),
      table(
          "sonar", "echoes of mines and of rocks", "Gorman and Sejnowski 1988", brownlee,
          {"sonar.csv", "3079c09b5d2789a0f96aff82c28e5164fafe2495c5f8da96c6c256c1bd25763f", 87775},
          words("M R")),
      table("wine-quality-red", "analyses of red wines, and what tasters say", "Cortez et al. 2009",
            brownlee,
            {"winequality-red.csv",
             "c9614512e980f1cbd221c796daa97f00c4898c3cd1716863abac60f6cd1a522e", 84028}),
      table("wine-quality-white", "analyses of white wines, and what tasters say",
            "Cortez et al. 2009", brownlee,
            {"winequality-white.csv",
             "659d419fff887f225bf977d20520bb64a64cae203e460087f809721d4430ba27", 264255}),
      {.name = "california-housing",
       .title = "what houses cost, by district",
       .source = "Pace and Barry 1997, the 1990 census, as https://github.com/ageron/handson-ml2 "
                 "has it",
       .licence = "public domain (US census); Apache-2.0 (the repository)",
       .folder = "tabular",
       .files = at_hosts(
           {}, {{"california_housing.csv.gz",
                 "172bf1252dec04c4e3179b95aa7ef7626adeb0a4ef3addd40b9c2510dfbd7585", 395939}})},
      {.name = "tiny-shakespeare",
       .title = "40,000 lines of plays",
       .source = "Shakespeare, as https://github.com/karpathy/char-rnn has it",
       .licence = "public domain",
       .folder = "text",
       .files = {{.name = "tinyshakespeare.txt",
                  .sha256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                  .bytes = 1115394,
                  .urls = {"https://raw.githubusercontent.com/karpathy/char-rnn/"
                           "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/"
                           "input.txt"}}}},
      {.name = "fsdd",
       .title = "spoken digits, 3,000 recordings of six speakers",
       .source = "Jackson et al., https://github.com/Jakobovski/free-spoken-digit-dataset",
       .licence = "CC BY-SA 4.0",
       .folder = "fsdd",
       .files = at_hosts(
           {}, {{"fsdd.tar.gz", "9a057c10e2b4e61bb80607596943f83502e15f7abdc1f86d7f0fa4070498cf66",
                 15560502}}),
       .class_names = words("0 1 2 3 4 5 6 7 8 9")},
  };
}

}  // namespace

const std::vector<SetInfo>& known_sets() {
  static const std::vector<SetInfo> sets = [] {
    std::vector<SetInfo> all = image_sets();
    for (SetInfo& set : other_sets()) all.push_back(std::move(set));
    return all;
  }();
  return sets;
}

const SetInfo& set_info(std::string_view name) {
  const std::vector<SetInfo>& sets = known_sets();
  const auto at =
      std::find_if(sets.begin(), sets.end(), [&](const SetInfo& set) { return set.name == name; });
  if (at == sets.end()) {
    std::vector<std::string> names;
    for (const SetInfo& set : sets) names.push_back(set.name);
    fail("set_info", "expected the name of a data set, got \"{}\"\nhelp: there are {}", name,
         fmt::join(names, ", "));
  }
  return *at;
}

std::string detail::path_of(const SetInfo& set, std::size_t file, const FetchOptions& options) {
  return fetch(set.folder, set.files.at(file), options);
}

}  // namespace reel::datasets
