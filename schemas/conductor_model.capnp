# SPDX-License-Identifier: AGPL-3.0-only
# A trained conductor model: one message, then the 64 bytes of a checkpoint's trailer (length and SHA-256 of what is before
# it). Stored on disk: fields are only ever added; what a reader must not miss raises schemaVersion.
@0xb1a6c0f2d4738e95;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("forge::disk");

struct ConductorModel {
  magic @0 :UInt64;             # the bytes "MFMODEL" and 0
  schemaVersion @1 :UInt32;     # 1
  featureVersion @2 :UInt32;    # of the inputs; 0: not ours
  inputs @3 :UInt32;
  units @4 :UInt32;
  inputsHidden @5 :UInt32;      # bit k: input k has no weight
  seed @6 :UInt64;              # of the first reservoir
  spectralRadius @7 :Float64;
  connectivity @8 :Float64;
  leak @9 :Float64;
  inputScale @10 :Float64;
  reservoirs @11 :List(Reservoir);
  inverses @12 :List(Inverse);  # shared by the readouts of one reservoir and penalty
  heads @13 :List(Head);
  thermalisation @14 :List(Thermalisation);
  equilibrium @15 :List(Equilibrium);
  runs @16 :List(Text);
  chains @17 :UInt64;
  rows @18 :UInt64;
  provenance @19 :Text;
}

struct Reservoir {
  win @0 :List(Float32);        # units x inputs, by rows
  wres @1 :List(Float32);       # units x units, by rows
}

struct Inverse {
  values @0 :List(Float64);     # (units + 1)^2: (X^T X + lambda I)^-1
}

struct Head {
  name @0 :Text;
  dim @1 :UInt32;
  activation @2 :Text;          # linear, relu, sigmoid, softmax
  readouts @3 :List(Readout);   # reservoirs x dim, by reservoir; empty: not trained
  trusted @4 :Bool;
  hasScore @5 :Bool;
  hasRule @6 :Bool;
  score @7 :Float64;            # R^2 or AUC on held-out chains
  rule @8 :Float64;
  cut @9 :Float64;
}

struct Readout {
  lambda @0 :Float64;
  objective @1 :Float64;        # squared error + lambda |w|^2: with the inverse, the residual variance
  rows @2 :UInt64;
  weights @3 :List(Float64);    # units + 1, bias first
  inverse @4 :Int32;            # index into inverses; -1: weights alone, from another program
}

struct Thermalisation {
  extents @0 :List(UInt32);     # 4
  rule @1 :UInt8;               # 0 bracket, 1 network
  window @2 :UInt32;
  atLeast @3 :UInt32;
  atMost @4 :UInt32;
  z @5 :Float64;
  agreeZ @6 :Float64;
  nearPlaquette @7 :Float64;
  nearPolyakov @8 :Float64;
}

struct Equilibrium {
  extents @0 :List(UInt32);     # 4
  points @1 :List(Float64);     # 10 for each beta: beta, chains, P, sigma, sigma_M, |L|, sigma, sigma_M, tau of |L|, chi_L
}
