export { detectFormat } from './detect-format.ts';
export { type FormatExtxyzOptions, formatExtxyz } from './format-extxyz.ts';
export { type FormatStructuresOptions, formatStructures } from './format-structures.ts';
export { type FrameSlice, parseFrameSlice } from './frame-slice.ts';
export { LAMMPS_UNIT_STYLES } from './lammps-units.ts';
export { type FormatNpyOptions, formatNpy, parseNpy } from './npy.ts';
export { formatNpz, formatNpzArrays, type NpzArray, type NpzOptions, parseNpz } from './npz.ts';
export { type ReadOptions, readStructures } from './read-structures.ts';
export { READABLE_FORMATS, type StructureFormat, WRITABLE_FORMATS } from './structure-formats.ts';
