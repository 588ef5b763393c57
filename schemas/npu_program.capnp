# SPDX-License-Identifier: AGPL-3.0-only
# A program of the conductor's device: one message of one segment. Only add fields at the end; a change that old readers must
# not miss raises formatVersion.
@0xb2f0d5c3a7e94612;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("forge::disk");

# Outer message: says what it is before anything else is looked at.
struct NpuProgramFile {
  magic @0 :UInt64;          # the bytes "MFNPUPR" and 0
  formatVersion @1 :UInt32;  # 1
  sha256 @2 :Data;           # 32 bytes: of `payload`
  payload @3 :Data;          # one message of one segment: NpuProgram
}

struct NpuProgram {
  name @0 :Text;
  inputs @1 :UInt32;
  units @2 :UInt32;
  leak @3 :Float64;
  featureVersion @4 :UInt32;      # of what it is fed with, 0: unknown
  reservoir @5 :List(Float32);    # units x (inputs + units), by rows
  heads @6 :List(NpuHead);
  examples @7 :List(Float32);     # rows of inputs + units values
}

struct NpuHead {
  name @0 :Text;
  dim @1 :UInt32;
  activation @2 :UInt8;           # 0 linear, 1 relu, 2 sigmoid, 3 softmax
  weights @3 :List(Float32);      # dim x units, by rows
  bias @4 :List(Float32);         # dim
}
