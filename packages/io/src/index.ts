export { type FormatExtxyzOptions, formatExtxyz } from './format-extxyz.ts';
export { type FrameSlice, parseFrameSlice } from './frame-slice.ts';
export { LAMMPS_UNIT_STYLES } from './lammps-units.ts';
export { type FormatNpyOptions, formatNpy, parseNpy } from './npy.ts';
export { formatNpz, type NpzOptions, parseNpz } from './npz.ts';
export { type ReadOptions, readStructures } from './read-structures.ts';
export { detectFormat, type StructureFormat } from './structure-format.ts';
