// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/reference/reference_engine.hpp"

#include "libactors/numerics/tree_sum.hpp"

namespace forge {

su3 staple_sum(const gauge_field& links, std::size_t x, std::size_t mu) {
    const extents& l = links.shape();
    const std::size_t x_mu = neighbour(l, x, mu, 1);
    su3 sum;
    for (std::size_t nu = 0; nu < n_directions; ++nu) {
        if (nu == mu)
            continue;
        const std::size_t x_nu = neighbour(l, x, nu, 1);
        const std::size_t below = neighbour(l, x, nu, -1);
        const std::size_t below_mu = neighbour(l, x_mu, nu, -1);
        sum = sum + links.link(x_mu, nu) * dagger(links.link(x_nu, mu)) * dagger(links.link(x, nu));
        sum = sum + dagger(links.link(below_mu, nu)) * dagger(links.link(below, mu)) * links.link(below, nu);
    }
    return sum;
}

algebra_reals gauge_force(const gauge_field& links, std::size_t site, std::size_t mu, double beta) {
    return reals_of(complex(beta / 6.0) * project_ta(links.link(site, mu) * staple_sum(links, site, mu)));
}

namespace {

/// Chunks in sequence, then pairwise over the chunks: the shape that engine/README.md fixes.
double lattice_sum(const std::vector<double>& terms) {
    std::vector<double> chunks;
    const std::span<const double> all(terms);
    for (std::size_t first = 0; first < all.size(); first += tree_chunk)
        chunks.push_back(chunk_sum(all.subspan(first, std::min(tree_chunk, all.size() - first))));
    return pairwise_sum(chunks);
}

class reference_workspace final : public gauge_workspace {
public:
    explicit reference_workspace(const extents& l) : links_(cold_start(l)), saved_(links_), momenta_(l) {}

    const extents& shape() const override { return links_.shape(); }
    void upload(const gauge_field& links) override {
        expects(links.shape() == shape(), "upload: extents agree");
        links_ = links;
    }
    gauge_field download() override { return links_; }
    void upload_momenta(const momentum_field& momenta) override {
        expects(momenta.shape() == shape(), "upload_momenta: extents agree");
        momenta_ = momenta;
    }
    momentum_field download_momenta() override { return momenta_; }

    void refresh_momenta(const noise_id& noise) override {
        constexpr double one_over_sqrt3 = 0.57735026918962576451;
        each_link([&](std::size_t s, std::size_t mu) {
            const auto link = static_cast<std::uint32_t>(s * n_directions + mu);
            std::array<double, 8> p; // p[a-1] multiplies T_a = (i/2) lambda_a
            for (std::uint32_t draw = 0; draw < 4; ++draw) {
                const auto pair = normal_pair(noise_block(noise, link, noise_purpose::momenta, draw));
                p[2 * draw] = pair[0];
                p[2 * draw + 1] = pair[1];
            }
            const double p8 = p[7] * one_over_sqrt3;
            momenta_.set(s, mu, {0.5 * (p8 + p[2]), 0.5 * (p8 - p[2]), -p8, 0.5 * p[1], 0.5 * p[0], 0.5 * p[4],
                                 0.5 * p[3], 0.5 * p[6], 0.5 * p[5]});
        });
    }

    void kick(double beta, double step) override {
        each_link([&](std::size_t s, std::size_t mu) {
            auto p = momenta_.at(s, mu);
            const auto f = gauge_force(links_, s, mu, beta);
            for (std::size_t k = 0; k < p.size(); ++k)
                p[k] -= step * f[k];
            momenta_.set(s, mu, p);
        });
    }

    void drift(double step) override {
        each_link([&](std::size_t s, std::size_t mu) {
            links_.set_link(s, mu, exponential(complex(step) * matrix_of(momenta_.at(s, mu))) * links_.link(s, mu));
        });
    }

    double kinetic_energy() override {
        std::vector<double> site(shape().volume());
        for (std::size_t s = 0; s < site.size(); ++s)
            for (std::size_t mu = 0; mu < n_directions; ++mu)
                site[s] += minus_trace_square(momenta_.at(s, mu));
        return lattice_sum(site);
    }

    plaquette_sums plaquette() override {
        std::vector<double> spatial(shape().volume());
        std::vector<double> temporal(shape().volume());
        for (std::size_t s = 0; s < spatial.size(); ++s)
            for (std::size_t mu = 0; mu < n_directions; ++mu)
                for (std::size_t nu = mu + 1; nu < n_directions; ++nu) {
                    const su3 ahead = links_.link(s, mu) * links_.link(neighbour(shape(), s, mu, 1), nu);
                    const su3 aside = links_.link(s, nu) * links_.link(neighbour(shape(), s, nu, 1), mu);
                    (nu == 3 ? temporal : spatial)[s] += trace(ahead * dagger(aside)).real();
                }
        return {lattice_sum(spatial), lattice_sum(temporal)};
    }

    complex polyakov_loop() override {
        const std::size_t n = shape().spatial_volume();
        std::vector<double> re(n);
        std::vector<double> im(n);
        for (std::size_t s = 0; s < n; ++s) {
            su3 loop = links_.link(s, 3);
            for (std::size_t t = 1; t < shape().n[3]; ++t)
                loop = loop * links_.link(s + t * n, 3);
            re[s] = trace(loop).real();
            im[s] = trace(loop).imag();
        }
        const double norm = 3.0 * static_cast<double>(n);
        return {lattice_sum(re) / norm, lattice_sum(im) / norm};
    }

    void reunitarise() override {
        each_link([&](std::size_t s, std::size_t mu) { links_.set_link(s, mu, forge::reunitarise(links_.link(s, mu))); });
    }
    state_hash fingerprint() override { return fingerprint_of(links_); }
    void save_links() override { saved_ = links_; }
    void restore_links() override { links_ = saved_; }

private:
    template <class Action>
    void each_link(Action action) {
        for (std::size_t s = 0; s < shape().volume(); ++s)
            for (std::size_t mu = 0; mu < n_directions; ++mu)
                action(s, mu);
    }
    gauge_field links_;
    gauge_field saved_;
    momentum_field momenta_;
};

} // namespace

reference_engine::reference_engine() {
    capability_.id = "reference";
    capability_.device_name = "host loops";
    capability_.kernel_hash = "reference-1";
    capability_.compute_units = 1;
    capability_.fp64 = true;
}

std::unique_ptr<gauge_workspace> reference_engine::allocate(const extents& l) {
    return std::make_unique<reference_workspace>(l);
}

} // namespace forge
