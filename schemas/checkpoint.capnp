# SPDX-License-Identifier: AGPL-3.0-only
# The messages of a checkpoint file. Stored on disk: fields are only ever added; what a reader must not miss
# raises formatVersion. Byte offsets: docs/formats/checkpoint.md.
@0x9025459a79bf6603;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("forge::disk");

# First message of the file: everything of the chain's state but the links.
struct CheckpointManifest {
  magic @0 :UInt64;            # the bytes "MFCHKPT" and 0
  formatVersion @1 :UInt32;    # 1
  chain @2 :UInt32;
  nx @3 :UInt32;               # extents in sites, each >= 1
  ny @4 :UInt32;
  nz @5 :UInt32;
  nt @6 :UInt32;
  nChunks @7 :UInt32;          # messages of links that follow
  segment @8 :UInt32;          # number of the segment of the last trajectory
  segmentFirst @9 :UInt64;     # index of its first trajectory
  trajectory @10 :UInt64;      # i of the last finished trajectory, 0 before the first
  rngKey @11 :UInt64;          # first 64 bits of SHA-256(campaign seed, chain), docs/formats/ledger.md
  stateHashA @12 :UInt64;      # fingerprint of the links
  stateHashB @13 :UInt64;
  plaquetteSpatial @14 :Float64;  # averages of Re tr U_p / 3
  plaquetteTemporal @15 :Float64;
  beta @16 :Float64;           # parameters of the segment
  trajectoryLength @17 :Float64;
  targetError @18 :Float64;    # 0 unless hasTargetError
  nSteps @19 :UInt32;
  nThermalise @20 :UInt32;
  nMeasure @21 :UInt32;
  integrator @22 :UInt8;       # 0 leapfrog, 1 omelyan2
  hasTargetError @23 :Bool;
  nWarmup @24 :UInt32;         # first trajectories of thermalisation that are accepted without a test
  head @25 :Data;              # 32 bytes: hash of record i, or of the chain's genesis
  action @26 :Text;            # "wilson"
  numericsVersion @27 :Text;
  campaignSeed @28 :Text;
  provenance @29 :Text;
  precision @30 :UInt8;        # 0 native, 1 hybrid, 2 concurrent
  df64Share @31 :Float64;      # of the time slices, for concurrent
}

# Links of consecutive z-planes, in canonical order (x fastest, then y, z, t).
struct CheckpointChunk {
  index @0 :UInt32;       # 0, 1, 2 ...
  planes @1 :UInt32;      # z-planes in this message
  firstPlane @2 :UInt64;  # z + nz t of the first one
  sha256 @3 :Data;        # 32 bytes: of `links`
  links @4 :Data;         # planes * nx * ny * 4 * 18 little-endian IEEE-754 doubles
}

# Last message, 64 bytes with its segment table.
struct CheckpointTrailer {
  totalBytes @0 :UInt64;  # of the file, this message included
  sha256 @1 :Data;        # 32 bytes: of all bytes before this message
}
