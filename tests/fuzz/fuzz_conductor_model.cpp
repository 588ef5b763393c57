// SPDX-License-Identifier: AGPL-3.0-only
// A conductor's model, and one whose trailer fits: else nothing behind the hash of the file would ever be reached.
#include "tests/fuzz/fuzz.hpp"

#include "libactors/wire/checkpoint_trailer.hpp"
#include "libactors/wire/conductor_model_codec.hpp"

#include <vector>

namespace {

std::vector<std::byte> with_trailer(std::span<const std::byte> bytes) {
    std::vector<std::byte> whole(bytes.begin(), bytes.end());
    const auto trailer = forge::make_trailer(forge::sha256_of(bytes), whole.size() + forge::checkpoint_trailer_bytes);
    whole.insert(whole.end(), trailer.begin(), trailer.end());
    return whole;
}

/// What was accepted can be used: a step, and every head answers or says why not.
void use(const forge::conductor_model& m) {
    auto state = m.network.rest();
    const std::vector<float> input(m.network.shape().reservoir.inputs, 0.5f);
    forge::require(m.network.advance(input, state).ok());
    for (const auto& h : m.network.shape().heads)
        forge::require(m.network.read(h.name, state).ok() == m.network.trained(h.name));
    forge::require(m.heads.size() == m.network.shape().heads.size());
    for (const auto& t : m.equilibrium)
        (void)t.at(5.7);
}

} // namespace

FORGE_FUZZ(bytes) {
    (void)forge::decode_model(bytes);
    const auto model = forge::decode_model(with_trailer(bytes));
    if (!model)
        return;
    use(*model);
    // What is read is written again, whatever it is, and then stays the same to the byte.
    const auto again = forge::encode_model(*model);
    forge::require(again.ok());
    const auto reread = forge::decode_model(*again);
    forge::require(reread && forge::encode_model(*reread).value() == *again);
}
