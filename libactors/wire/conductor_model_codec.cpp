// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/wire/conductor_model_codec.hpp"

#include "conductor_model.capnp.h"
#include "libactors/wire/capnp_message.hpp"
#include "libactors/wire/checkpoint_trailer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace forge {

namespace {

constexpr std::uint64_t magic = 0x004c45444f4d464d; // "MFMODEL" and 0, little-endian
constexpr std::size_t list_max = 4096;              ///< heads, runs, tables: far more than anybody has
constexpr std::size_t text_max = 65536;
constexpr std::size_t point_numbers = 10;

error too_large(std::uint64_t bytes) {
    return {errc::unsupported, fmt::format("its readouts take {} bytes of memory, {} are the limit", bytes, conductor_model_memory_max), "conductor model",
            "fewer units, heads or reservoirs"};
}

error broken(std::string what) { return {errc::malformed, std::move(what), "conductor model", "train again, or take another copy"}; }

template <class List, class T>
void fill(List list, const T& values) {
    for (std::size_t k = 0; k < values.size(); ++k)
        list.set(static_cast<unsigned>(k), values[k]);
}

template <class List>
auto numbers(const List& list) {
    std::vector<std::decay_t<decltype(list[0])>> v;
    v.reserve(list.size());
    for (const auto x : list)
        v.push_back(x);
    return v;
}

/// Every distinct inverse once; readouts of one reservoir and penalty share theirs.
struct inverse_shelf {
    std::vector<std::vector<double>> kept;
    std::int32_t put(const std::vector<double>& inverse) {
        if (inverse.empty())
            return -1;
        for (std::size_t k = 0; k < kept.size(); ++k)
            if (kept[k] == inverse)
                return static_cast<std::int32_t>(k);
        kept.push_back(inverse);
        return static_cast<std::int32_t>(kept.size() - 1);
    }
};

void write_heads(disk::ConductorModel::Builder& root, const conductor_model& m, inverse_shelf& shelf) {
    const auto& shape = m.network.shape();
    auto heads = root.initHeads(static_cast<unsigned>(shape.heads.size()));
    for (unsigned h = 0; h < heads.size(); ++h) {
        const auto& spec = shape.heads[h];
        auto out = heads[h];
        out.setName(text_of(spec.name));
        out.setDim(spec.dim);
        out.setActivation(std::string(name_of(spec.activation)));
        if (const auto* s = m.standing(spec.name)) {
            out.setTrusted(s->trusted);
            out.setHasScore(s->score.has_value());
            out.setHasRule(s->rule.has_value());
            out.setScore(s->score.value_or(0.0));
            out.setRule(s->rule.value_or(0.0));
            out.setCut(s->cut);
        } else {
            out.setCut(0.5);
        }
        if (!m.network.trained(spec.name))
            continue;
        auto readouts = out.initReadouts(shape.reservoirs * spec.dim);
        for (unsigned k = 0; k < readouts.size(); ++k) {
            const auto p = m.network.readout(k / spec.dim, spec.name, k % spec.dim)->to_parts();
            auto r = readouts[k];
            r.setLambda(p.lambda);
            r.setObjective(p.objective);
            r.setRows(p.rows);
            fill(r.initWeights(static_cast<unsigned>(p.weights.size())), p.weights);
            r.setInverse(shelf.put(p.inverse));
        }
    }
}

void write_tables(disk::ConductorModel::Builder& root, const conductor_model& m) {
    auto stops = root.initThermalisation(static_cast<unsigned>(m.thermalisation.size()));
    for (unsigned k = 0; k < stops.size(); ++k) {
        const auto& [lattice, s] = m.thermalisation[k];
        auto out = stops[k];
        fill(out.initExtents(4), lattice.n);
        const auto& [rule, window, z, agree_z, near_plaquette, near_polyakov, at_least, at_most] = s;
        out.setRule(static_cast<std::uint8_t>(rule));
        out.setWindow(window);
        out.setZ(z);
        out.setAgreeZ(agree_z);
        out.setNearPlaquette(near_plaquette);
        out.setNearPolyakov(near_polyakov);
        out.setAtLeast(at_least);
        out.setAtMost(at_most);
    }
    auto tables = root.initEquilibrium(static_cast<unsigned>(m.equilibrium.size()));
    for (unsigned k = 0; k < tables.size(); ++k) {
        fill(tables[k].initExtents(4), m.equilibrium[k].lattice().n);
        std::vector<double> flat;
        for (const auto& [beta, chains, p, sp, mp, l, sl, ml, tau, chi] : m.equilibrium[k].points())
            flat.insert(flat.end(), {beta, static_cast<double>(chains), p, sp, mp, l, sl, ml, tau, chi});
        fill(tables[k].initPoints(static_cast<unsigned>(flat.size())), flat);
    }
}

result<extents> read_extents(const capnp::List<std::uint32_t>::Reader& list) {
    if (list.size() != 4)
        return broken("a lattice without four extents");
    extents l;
    for (unsigned k = 0; k < 4; ++k) {
        if (list[k] == 0 || list[k] > 65536)
            return broken("a lattice with an extent that cannot be");
        l.n[k] = list[k];
    }
    return l;
}

// Every list is fetched once and handed on: each time counts against what a reader may traverse.
using head_list = capnp::List<disk::Head>::Reader;

result<network_shape> read_shape(disk::ConductorModel::Reader root, std::uint32_t reservoirs, const head_list& heads) {
    network_shape s;
    s.reservoir = {root.getInputs(), root.getUnits(), root.getSpectralRadius(), root.getConnectivity(), root.getLeak(), root.getInputScale(), root.getSeed()};
    s.reservoirs = reservoirs;
    s.feature_version = root.getFeatureVersion();
    s.inputs_hidden = root.getInputsHidden();
    for (const auto h : heads) {
        const std::string activation = h.getActivation().cStr();
        const auto known = head_activation_from(activation);
        if (!known)
            return broken("a head with the unknown activation \"" + activation.substr(0, 40) + "\"");
        s.heads.push_back({h.getName().cStr(), h.getDim(), *known});
    }
    return s;
}

result<void> read_heads(disk::ConductorModel::Reader root, const head_list& heads, conductor_model& m) {
    const auto& shape = m.network.shape();
    const std::size_t n = std::size_t{shape.reservoir.units} + 1;
    std::vector<std::vector<double>> inverses;
    for (const auto i : root.getInverses()) {
        const auto values = i.getValues();
        if (values.size() != n * n)
            return broken("an inverse of another size than the reservoir's");
        inverses.push_back(numbers(values));
    }
    std::uint64_t copies = 0; // in the file an inverse is there once, in memory every readout has its own
    for (unsigned h = 0; h < shape.heads.size(); ++h) {
        const auto in = heads[h];
        head_standing standing{shape.heads[h].name, in.getTrusted(), std::nullopt, std::nullopt, in.getCut()};
        if (in.getHasScore())
            standing.score = in.getScore();
        if (in.getHasRule())
            standing.rule = in.getRule();
        if (!std::isfinite(standing.cut) || !std::isfinite(in.getScore()) || !std::isfinite(in.getRule()))
            return broken("a score of head \"" + standing.name + "\" is not a number");
        m.heads.push_back(standing);
        const auto readouts = in.getReadouts();
        if (readouts.size() == 0)
            continue;
        const auto dim = shape.heads[h].dim;
        if (readouts.size() != std::uint64_t{shape.reservoirs} * dim)
            return broken("head \"" + standing.name + "\" has not one readout for each reservoir and component");
        std::vector<std::vector<ridge_readout>> of(shape.reservoirs);
        for (unsigned k = 0; k < readouts.size(); ++k) {
            const auto r = readouts[k];
            const auto weights = r.getWeights();
            if (weights.size() != n || r.getInverse() < -1 || r.getInverse() >= static_cast<std::int64_t>(inverses.size()))
                return broken("a readout of head \"" + standing.name + "\" does not fit its reservoir");
            copies += r.getInverse() < 0 ? 0 : 1;
            if (copies * n * n * sizeof(double) > conductor_model_memory_max)
                return too_large(copies * n * n * sizeof(double));
            auto one = r.getInverse() < 0 ? ridge_readout::from_weights(numbers(weights))
                                          : ridge_readout::from_parts({r.getLambda(), r.getObjective(), r.getRows(), numbers(weights),
                                                                       inverses[static_cast<std::size_t>(r.getInverse())]});
            if (!one)
                return broken(one.reason().what);
            of[k / dim].push_back(std::move(*one));
        }
        if (auto put = m.network.set_readouts(standing.name, std::move(of)); !put)
            return broken(put.reason().what);
    }
    return {};
}

template <class Stops, class Tables>
result<void> read_tables(const Stops& stops, const Tables& tables, conductor_model& m) {
    for (const auto t : stops) {
        const auto lattice = read_extents(t.getExtents());
        if (!lattice)
            return lattice.reason();
        if (t.getRule() > 1)
            return error{errc::version_too_new, "a thermalisation rule that this program does not know", "conductor model", "the program that wrote it"};
        const thermalisation_settings s{static_cast<thermalisation_rule>(t.getRule()),
                                        t.getWindow(),
                                        t.getZ(),
                                        t.getAgreeZ(),
                                        t.getNearPlaquette(),
                                        t.getNearPolyakov(),
                                        t.getAtLeast(),
                                        t.getAtMost()};
        const bool finite = std::isfinite(s.z) && std::isfinite(s.agree_z) && std::isfinite(s.near_plaquette) && std::isfinite(s.near_polyakov);
        if (!finite || s.window < 2 || s.at_least < s.window || s.at_most < s.at_least)
            return broken("thermalisation settings that cannot be");
        m.thermalisation.push_back({*lattice, s});
    }
    for (const auto e : tables) {
        const auto lattice = read_extents(e.getExtents());
        if (!lattice)
            return lattice.reason();
        const auto flat = numbers(e.getPoints());
        if (flat.size() % point_numbers != 0)
            return broken("a table of equilibrium values of a wrong length");
        std::vector<equilibrium_point> points;
        for (std::size_t k = 0; k < flat.size(); k += point_numbers) {
            if (!(flat[k + 1] >= 0.0 && flat[k + 1] < 1e9))
                return broken("a number of chains that cannot be");
            points.push_back({flat[k], static_cast<std::size_t>(flat[k + 1]), flat[k + 2], flat[k + 3], flat[k + 4], flat[k + 5], flat[k + 6],
                              flat[k + 7], flat[k + 8], flat[k + 9]});
        }
        auto table = equilibrium_table::from_points(*lattice, std::move(points));
        if (!table)
            return broken(table.reason().what);
        m.equilibrium.push_back(std::move(*table));
    }
    return {};
}

result<void> read_model(disk::ConductorModel::Reader root, std::uint32_t features, conductor_model& m) {
    if (root.getMagic() != magic)
        return broken("this is no conductor model");
    if (root.getSchemaVersion() > conductor_model_version)
        return error{errc::version_too_new,
                     fmt::format("the model has schema version {}, this program reads up to {}", root.getSchemaVersion(), conductor_model_version),
                     "conductor model", "the program that wrote it, or a newer one"};
    if (root.getSchemaVersion() != conductor_model_version)
        return broken(fmt::format("there is no schema version {}", root.getSchemaVersion()));
    if (root.getFeatureVersion() != 0 && root.getFeatureVersion() != features)
        return error{
            errc::conflict,
            fmt::format("the model was trained on features of version {}, this program builds version {}", root.getFeatureVersion(), features),
            "conductor model", "forge npu train on the same runs makes one that fits"};
    const auto heads = root.getHeads();
    const auto runs = root.getRuns();
    const auto stops = root.getThermalisation();
    const auto tables = root.getEquilibrium();
    const auto stored = root.getReservoirs();
    const auto provenance = root.getProvenance();
    if (std::max({heads.size(), runs.size(), stops.size(), tables.size()}) > list_max || stored.size() > 16 || provenance.size() > text_max)
        return broken("longer lists or texts than any model has");
    auto shape = read_shape(root, stored.size(), heads);
    if (!shape)
        return shape.reason();
    std::vector<reservoir> reservoirs;
    for (unsigned k = 0; k < stored.size(); ++k) {
        const auto r = stored[k];
        auto one = shape->reservoir;
        one.seed += k;
        auto made = reservoir::from_weights(one, numbers(r.getWin()), numbers(r.getWres()));
        if (!made)
            return broken(made.reason().what);
        reservoirs.push_back(std::move(*made));
    }
    auto network = echo_state_network::from_reservoirs(*shape, std::move(reservoirs));
    if (!network)
        return broken(network.reason().what);
    m.network = std::move(*network);
    for (const auto run : runs)
        m.runs.emplace_back(run.cStr());
    m.chains = root.getChains();
    m.rows = root.getRows();
    m.provenance = provenance.cStr();
    if (auto read = read_heads(root, heads, m); !read)
        return read;
    return read_tables(stops, tables, m);
}

} // namespace

result<std::vector<std::byte>> encode_model(const conductor_model& m) {
    const auto& shape = m.network.shape();
    // An upper bound: floats of the reservoirs, readouts with an inverse each, tables and texts.
    const std::uint64_t n = std::uint64_t{shape.reservoir.units} + 1;
    std::uint64_t words = 1024 + m.provenance.size() / word_bytes + shape.reservoirs * (n * (n + shape.reservoir.inputs) / 2 + 16);
    std::uint64_t copies = 0;
    inverse_shelf counted;
    for (const auto& h : shape.heads) {
        words += 32 + h.name.size();
        if (m.network.trained(h.name))
            for (std::size_t r = 0; r < shape.reservoirs; ++r)
                for (std::uint32_t c = 0; c < h.dim; ++c) {
                    copies += counted.put(m.network.readout(r, h.name, c)->to_parts().inverse) < 0 ? 0 : 1;
                    words += n + 16;
                }
    }
    words += counted.kept.size() * (n * n + 4) + m.thermalisation.size() * 16;
    for (const auto& e : m.equilibrium)
        words += e.points().size() * point_numbers + 16;
    for (const auto& run : m.runs)
        words += run.size() / word_bytes + 4;
    if (words * word_bytes > conductor_model_bytes_max || m.provenance.size() > text_max)
        return error{errc::unsupported, fmt::format("the model takes {} bytes, {} are the limit", words * word_bytes, conductor_model_bytes_max),
                     "conductor model", "fewer units or reservoirs"};
    if (copies * n * n * sizeof(double) > conductor_model_memory_max)
        return too_large(copies * n * n * sizeof(double));
    one_segment_builder message(words);
    auto root = message.root<disk::ConductorModel>();
    root.setMagic(magic);
    root.setSchemaVersion(conductor_model_version);
    root.setFeatureVersion(shape.feature_version);
    root.setInputs(shape.reservoir.inputs);
    root.setUnits(shape.reservoir.units);
    root.setInputsHidden(shape.inputs_hidden);
    root.setSeed(shape.reservoir.seed);
    root.setSpectralRadius(shape.reservoir.spectral_radius);
    root.setConnectivity(shape.reservoir.connectivity);
    root.setLeak(shape.reservoir.leak);
    root.setInputScale(shape.reservoir.input_scale);
    auto reservoirs = root.initReservoirs(shape.reservoirs);
    for (unsigned k = 0; k < shape.reservoirs; ++k) {
        const auto& r = m.network.reservoirs()[k];
        fill(reservoirs[k].initWin(static_cast<unsigned>(r.w_in().size())), r.w_in());
        const auto w_res = r.w_res();
        fill(reservoirs[k].initWres(static_cast<unsigned>(w_res.size())), w_res);
    }
    inverse_shelf shelf;
    write_heads(root, m, shelf);
    auto inverses = root.initInverses(static_cast<unsigned>(shelf.kept.size()));
    for (unsigned k = 0; k < inverses.size(); ++k)
        fill(inverses[k].initValues(static_cast<unsigned>(shelf.kept[k].size())), shelf.kept[k]);
    write_tables(root, m);
    auto runs = root.initRuns(static_cast<unsigned>(m.runs.size()));
    for (unsigned k = 0; k < runs.size(); ++k)
        runs.set(k, text_of(m.runs[k]));
    root.setChains(m.chains);
    root.setRows(m.rows);
    root.setProvenance(text_of(m.provenance));
    const auto pieces = message.finish();
    std::vector<std::byte> bytes(pieces.table.begin(), pieces.table.end());
    bytes.insert(bytes.end(), pieces.segment.begin(), pieces.segment.end());
    const auto trailer = make_trailer(sha256_of(bytes), bytes.size() + checkpoint_trailer_bytes);
    bytes.insert(bytes.end(), trailer.begin(), trailer.end());
    return bytes;
}

result<conductor_model> decode_model(std::span<const std::byte> bytes, std::uint32_t features) {
    if (bytes.size() > conductor_model_bytes_max)
        return error{errc::unsupported, fmt::format("{} bytes are more than any model has", bytes.size()), "conductor model", "is this the right file?"};
    if (bytes.size() < segment_table_bytes + 2 * word_bytes + checkpoint_trailer_bytes)
        return broken("this is no conductor model: it is too short");
    // Words of the message are read where they are: they must start on a word.
    std::vector<std::uint64_t> copy((bytes.size() + word_bytes - 1) / word_bytes);
    std::memcpy(copy.data(), bytes.data(), bytes.size());
    const std::span<const std::byte> all(reinterpret_cast<const std::byte*>(copy.data()), bytes.size());
    if (auto whole = check_trailer(all); !whole) {
        if (whole.reason().code == errc::checksum_mismatch)
            return error{errc::checksum_mismatch, "the SHA-256 of the file is not the one in its trailer: bytes have changed", "conductor model",
                         "train again, or take another copy"};
        return broken("the file was cut short, or is no conductor model");
    }
    auto rest = all.first(all.size() - checkpoint_trailer_bytes);
    const auto message = one_segment_reader::take(rest, "conductor model", 0);
    if (!message)
        return message.reason();
    if (!rest.empty())
        return broken("there are bytes between the model and its trailer");
    constexpr int levels = 8; // model, heads, head, readouts, readout, weights: each counts
    conductor_model m;
    const auto read = message->read<disk::ConductorModel>([&](disk::ConductorModel::Reader root) { return read_model(root, features, m); }, levels);
    if (!read)
        return read.reason();
    return m;
}

} // namespace forge
