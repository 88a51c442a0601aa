import {
  type Column,
  createStructure,
  type InfoValue,
  ParseError,
  type Structure,
  SurprisalError,
} from '@surprisal/core';
import type { CifBlock } from './cif-block.ts';
import { elementOfLabel, elementOfSymbol } from './cif-element.ts';
import { CoincidenceGrid } from './coincidence-grid.ts';
import { stringValue } from './info-value.ts';
import type { CifValues } from './molstar-cif.ts';
import { hasSymmetry, namesNoSymmetry, type SpaceGroupNames, spaceGroupOperations } from './space-group.ts';
import {
  formatSymmetryOperation,
  IDENTITY,
  OperationSet,
  parseSymmetryOperation,
  type SymmetryOperation,
} from './symmetry-operation.ts';
import type { Warnings } from './warnings.ts';

/** Images of a site, and two sites, that are closer than this are one place. Å. */
const SAME_PLACE = 0.05;
/** Thinnest cell that is believed: below it, places that are far apart could not be told from images of one. Å. */
const THINNEST_CELL = 4 * SAME_PLACE;
/** Volume of a cell of unit vectors at which it is none. */
const FLATTEST = 1e-6;
/** Atoms that a file may ask for by few sites and many operations. */
const MOST_ATOMS = 2_000_000;
/** No space group has more than 192; supercells may list more. */
const MOST_OPERATIONS = 1024;
/** Occupancies of one place may add up to this. */
const FULL = 1.01;
const FORMULA = /^(?:[A-Z][a-z]?\d*\.?\d*\s*)+$/;
/** Coordinates beyond this are none. */
const LARGEST_COORDINATE = 1e6;
/** Largest difference between the matrix that a file gives for its axes and the one that is taken, relative. */
const SAME_MATRIX = 1e-3;

interface Site {
  /** The values that name it, and its row among them. */
  readonly place: CifValues;
  readonly row: number;
  readonly label: string;
  readonly element: string;
  /** Cartesian where there is no cell. */
  readonly fractional: readonly [number, number, number];
  readonly occupancy: number;
}

/**
 * The structure of a data block: its sites, and all images of them under the symmetry of the space group, in the order of
 * the sites and of the operations.
 *
 * @returns undefined where the block holds no atoms
 */
export function structureOfBlock(block: CifBlock, file: string, warnings: Warnings): Structure | undefined {
  const axes = ['x', 'y', 'z'] as const;
  const fractional = axes.map((axis) => block.column(`_atom_site_fract_${axis}`));
  const cartesian = axes.map((axis) => block.column(`_atom_site_Cartn_${axis}`));
  const isFractional = fractional.every((values) => values !== undefined);
  const coordinates = (isFractional ? fractional : cartesian) as CifValues[];
  if (!isFractional && cartesian.some((values) => values === undefined)) {
    const some = [...fractional, ...cartesian].find((values) => values !== undefined);
    if (some === undefined) return undefined;
    throw block.error(some, 0, 'of a coordinate, x, y and z were expected');
  }
  refuseModels(block);
  const cell = readCell(block, warnings);
  if (cell === null && isFractional) {
    throw block.error(
      coordinates[0] as CifValues,
      0,
      'fractional coordinates need a cell; _cell_length_a … are missing',
    );
  }
  if (cell !== null && !isFractional) refuseOtherAxes(block, cell);
  const operations = readOperations(block, cell, file, warnings);
  const sites = readSites(block, coordinates, isFractional ? null : cell, warnings);
  if (sites.length === 0) return undefined;
  if (sites.length * operations.length > MOST_ATOMS) {
    throw new SurprisalError(
      'UNSUPPORTED',
      `${file}: ${sites.length} sites and ${operations.length} symmetry operations make more than ${MOST_ATOMS} atoms; ` +
        'expand the cell with a program for crystals and write the atoms in another format',
      { details: { file, sites: sites.length, operations: operations.length } },
    );
  }
  const hasOccupancy = block.column('_atom_site_occupancy') !== undefined;
  return cell === null
    ? molecule(block, sites, hasOccupancy)
    : crystal(block, cell, operations, sites, hasOccupancy, warnings);
}

function molecule(block: CifBlock, sites: readonly Site[], hasOccupancy: boolean): Structure {
  const positions = Float64Array.from(sites.flatMap(({ fractional }) => fractional));
  return assemble(block, positions, sites, null, hasOccupancy);
}

function crystal(
  block: CifBlock,
  cell: Float64Array,
  operations: readonly SymmetryOperation[],
  sites: readonly Site[],
  hasOccupancy: boolean,
  warnings: Warnings,
): Structure {
  const grid = new CoincidenceGrid(cell, SAME_PLACE);
  const owners: Site[] = [];
  const images = new Map<Site, number[]>();
  const sharers = new Map<Site, Site[]>();
  // Where several sites share a place, the one that fills most of it stands for all; of equal ones the first in the file.
  for (const site of sites.toSorted((a, b) => b.occupancy - a.occupancy)) {
    const there = grid.find(site.fractional);
    if (there !== undefined) {
      const owner = owners[there] as Site;
      sharers.set(owner, [...(sharers.get(owner) ?? []), site]);
      continue;
    }
    const own: number[] = [];
    for (const operation of operations) {
      const image = imageOf(site.fractional, operation);
      if (grid.find(image) !== undefined) continue;
      grid.add(image, owners.push(site) - 1);
      own.push(...image);
    }
    images.set(site, own);
    if (operations.length % (own.length / 3) !== 0) {
      warnings.warn(
        'special position',
        `line ${block.lineOf(site.place, site.row)}: site ${site.label} makes ${own.length / 3} atoms under ${operations.length} symmetry ` +
          'operations, as no position does; it lies close to a special one, so its coordinates may be rounded too much',
      );
    }
  }
  for (const [owner, others] of sharers) judgeSharedPlace(block, owner, others, warnings);
  const atoms = sites.flatMap((site) => new Array<Site>((images.get(site)?.length ?? 0) / 3).fill(site));
  const positions = new Float64Array(3 * atoms.length);
  let at = 0;
  for (const site of sites) {
    const own = images.get(site) ?? [];
    for (let first = 0; first < own.length; first += 3, at += 3) {
      toCartesian(cell, own as number[], first, positions, at);
    }
  }
  if (sharers.size === 0) compareWithFormula(block, atoms, warnings);
  return assemble(block, positions, atoms, cell, hasOccupancy);
}

/**
 * Warns where the atoms of the cell are not those that the formula and Z announce: hydrogen was not located, the file is
 * cut off between two rows, or its symmetry is not what was taken.
 */
function compareWithFormula(block: CifBlock, atoms: readonly Site[], warnings: Warnings): void {
  const formula = block.value('_chemical_formula_sum');
  const units = block.value('_cell_formula_units_Z');
  if (formula === undefined || units === undefined || !FORMULA.test(formula.text)) return;
  const z = block.number(units.values, 0, units.text);
  const missing = new Map<string, number>();
  for (const [, symbol = '', count] of formula.text.matchAll(/([A-Z][a-z]?)([\d.]*)/g)) {
    const element = elementOfSymbol(symbol) ?? symbol;
    missing.set(element, (missing.get(element) ?? 0) + z * (count === '' ? 1 : Number(count)));
  }
  const expected = new Map(missing);
  for (const { element, occupancy } of atoms) missing.set(element, (missing.get(element) ?? 0) - occupancy);
  for (const [element, count] of missing) {
    const announced = expected.get(element) ?? 0;
    if (Math.abs(count) <= 0.5 || Math.abs(count) <= 0.01 * announced) continue;
    warnings.warn(
      'formula',
      `data_${block.name}: the formula ${formula.text} with Z = ${units.text} makes ${short(announced)} atoms of ${element} in the ` +
        `cell; there are ${short(announced - count)}`,
    );
  }
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** An image of a site: in the cell, but for the site itself, which stays where the file has it. */
function imageOf(
  fractional: readonly [number, number, number],
  { rotation, translation }: SymmetryOperation,
): readonly [number, number, number] {
  const isIdentity =
    rotation.every((value, at) => value === IDENTITY.rotation[at]) && translation.every((t) => t === 0);
  if (isIdentity) return fractional;
  const [x, y, z] = fractional;
  const coordinate = (k: number) => {
    const [a, b, c] = rotation.slice(3 * k, 3 * k + 3) as [number, number, number];
    const value = a * x + b * y + c * z + (translation[k] as number);
    return value - Math.floor(value);
  };
  return [coordinate(0), coordinate(1), coordinate(2)];
}

/**
 * Several sites in one place are atoms of a disordered crystal that take turns, or one that is listed twice; two species
 * that are both there always contradict each other.
 */
function judgeSharedPlace(block: CifBlock, owner: Site, others: readonly Site[], warnings: Warnings): void {
  const other = others.find(({ element }) => element !== owner.element);
  const total = others.reduce((sum, { occupancy }) => sum + occupancy, owner.occupancy);
  if (other !== undefined && total > FULL) {
    throw block.error(
      other.place,
      other.row,
      `${other.label} lies where ${owner.label} does (line ${block.lineOf(owner.place, owner.row)}), and their occupancies add up to ` +
        `${short(total)}; at most 1 was expected`,
    );
  }
  const [first] = others as [Site];
  warnings.warn(
    'shared place',
    other === undefined
      ? `line ${block.lineOf(first.place, first.row)}: site ${first.label} lies where ${owner.label} does and is left out`
      : `line ${block.lineOf(other.place, other.row)}: site ${other.label} shares its place with ${owner.label}, which fills more of it and ` +
          'stands for both',
  );
}

function assemble(
  block: CifBlock,
  positions: Float64Array,
  atoms: readonly Site[],
  cell: Float64Array | null,
  hasOccupancy: boolean,
): Structure {
  const columns = new Map<string, Column>([
    ['label', { kind: 'string', width: 1, values: atoms.map(({ label }) => label) }],
  ]);
  if (hasOccupancy) {
    const values = Float64Array.from(atoms, ({ occupancy }) => occupancy);
    columns.set('occupancy', { kind: 'real', width: 1, values });
  }
  const info = new Map<string, InfoValue>();
  if (block.name !== '') info.set('data', stringValue(block.name));
  return createStructure({ positions, species: atoms.map(({ element }) => element), cell, columns, info });
}

/** Lengths and angles as vectors: a along x, b in the plane of x and y, c above it. */
function readCell(block: CifBlock, warnings: Warnings): Float64Array | null {
  const names = ['length_a', 'length_b', 'length_c', 'angle_alpha', 'angle_beta', 'angle_gamma'];
  const given = names.map((name) => block.value(`_cell_${name}`));
  const some = given.find((value) => value !== undefined);
  if (some === undefined) return null;
  const numbers = given.map((value, at) => {
    if (value === undefined) throw block.error(some.values, 0, `the cell has no _cell_${names[at]}`);
    const number = block.number(value.values, 0, value.text);
    const isFit = at < 3 ? number > 0 && number < 1e6 : number > 0 && number < 180;
    if (!isFit)
      throw block.error(
        value.values,
        0,
        `${at < 3 ? 'a length above 0, in Å,' : 'an angle between 0 and 180°'} was expected`,
      );
    return number;
  });
  const [a, b, c, alpha, beta, gamma] = numbers as [number, number, number, number, number, number];
  if (a === 1 && b === 1 && c === 1 && alpha === 90 && beta === 90 && gamma === 90) {
    warnings.warn('no cell', `data_${block.name}: a cell of 1 Å × 1 Å × 1 Å stands for none; nothing is periodic`);
    return null;
  }
  const [cosAlpha, cosBeta, cosGamma] = [alpha, beta, gamma].map(cosine) as [number, number, number];
  const sinGamma = gamma === 90 ? 1 : Math.sin((gamma * Math.PI) / 180);
  const cy = (cosAlpha - cosBeta * cosGamma) / sinGamma;
  const height = 1 - cosBeta * cosBeta - cy * cy;
  const cell = Float64Array.of(
    a,
    0,
    0,
    b * cosGamma,
    b * sinGamma,
    0,
    c * cosBeta,
    c * cy,
    c * Math.sqrt(Math.max(0, height)),
  );
  const thinnest = Math.min(...heights(cell));
  if (!(sinGamma * Math.sqrt(height) > FLATTEST) || !(thinnest >= THINNEST_CELL)) {
    throw block.error(
      some.values,
      0,
      `these lengths and angles make no cell, or one that is thinner than ${THINNEST_CELL} Å`,
    );
  }
  return cell;
}

/** Right angles exactly. */
function cosine(degrees: number): number {
  return degrees === 90 ? 0 : Math.cos((degrees * Math.PI) / 180);
}

/** Distances between opposite faces of a cell whose matrix is lower triangular. Å. */
function heights(cell: Float64Array): [number, number, number] {
  const inverse = inverseTriangle(cell);
  const height = (k: number) =>
    1 / Math.hypot(inverse[k] as number, inverse[3 + k] as number, inverse[6 + k] as number);
  return [height(0), height(1), height(2)];
}

/** Of a lower triangular matrix. */
function inverseTriangle(cell: Float64Array): Float64Array {
  const [a, , , bx, by, , cx, cy, cz] = cell as unknown as [number, 0, 0, number, number, 0, number, number, number];
  return Float64Array.of(
    1 / a,
    0,
    0,
    -bx / (a * by),
    1 / by,
    0,
    (bx * cy - cx * by) / (a * by * cz),
    -cy / (by * cz),
    1 / cz,
  );
}

function toCartesian(cell: Float64Array, from: ArrayLike<number>, at: number, to: Float64Array, place: number): void {
  const [x, y, z] = [from[at] as number, from[at + 1] as number, from[at + 2] as number];
  for (let k = 0; k < 3; k++) {
    to[place + k] = x * (cell[k] as number) + y * (cell[3 + k] as number) + z * (cell[6 + k] as number);
  }
}

/** Several models of one molecule would lie in one another. */
function refuseModels(block: CifBlock): void {
  const models = block.column('_atom_site_pdbx_PDB_model_num');
  if (models === undefined) return;
  for (let row = 1; row < models.count; row++) {
    if (block.text(models, row) === block.text(models, 0)) continue;
    throw block.error(models, row, 'a block of several models is not read; keep one of them');
  }
}

/** Cartesian coordinates are believed to have a along x and b in the plane of x and y; where a file says otherwise, it is refused. */
function refuseOtherAxes(block: CifBlock, cell: Float64Array): void {
  const inverse = inverseTriangle(cell);
  for (let row = 0; row < 3; row++) {
    for (let k = 0; k < 3; k++) {
      const given = block.value(
        `_atom_sites_fract_tran_matrix_${row + 1}${k + 1}`,
        `_atom_sites_fract_transf_matrix[${row + 1}][${k + 1}]`,
      );
      if (given === undefined) continue;
      // Rows of the file multiply columns of coordinates, as columns here multiply rows of them.
      const expected = inverse[3 * k + row] as number;
      const scale = inverse[4 * row] as number;
      const number = block.number(given.values, 0, given.text);
      if (Math.abs(number - expected) > SAME_MATRIX * scale) {
        throw block.error(
          given.values,
          0,
          `Cartesian coordinates are read with a along x and b in the xy plane, where this is ${expected.toPrecision(6)}`,
        );
      }
    }
    const shift = block.value(
      `_atom_sites_fract_tran_vector_${row + 1}`,
      `_atom_sites_fract_transf_vector[${row + 1}]`,
    );
    if (shift !== undefined && block.number(shift.values, 0, shift.text) !== 0) {
      throw block.error(shift.values, 0, 'Cartesian coordinates are read with their origin in the corner of the cell');
    }
  }
}

function readOperations(
  block: CifBlock,
  cell: Float64Array | null,
  file: string,
  warnings: Warnings,
): readonly SymmetryOperation[] {
  const names: SpaceGroupNames = {
    hall: block.value('_space_group_name_Hall', '_symmetry_space_group_name_Hall')?.text,
    hermannMauguin: block.value(
      '_space_group_name_H-M_alt',
      '_symmetry_space_group_name_H-M',
      '_space_group_name_H-M_full',
      '_space_group_name_H-M_ref',
    )?.text,
    number: block.value('_space_group_IT_number', '_symmetry_Int_Tables_number')?.text,
  };
  const listed = block.column('_space_group_symop_operation_xyz', '_symmetry_equiv_pos_as_xyz');
  const magnetic = block.column('_space_group_symop_magn_operation_xyz');
  if (listed === undefined && magnetic !== undefined) {
    throw block.error(magnetic, 0, 'magnetic symmetry is not read; write the operations without it');
  }
  const metric = cell === null ? undefined : metricOf(cell);
  const operations = listed === undefined ? undefined : listedOperations(block, listed);
  if (listed !== undefined && operations !== undefined) {
    if (operations.length === 1 && !namesNoSymmetry(names)) {
      warnings.warn(
        'identity',
        `data_${block.name}: the space group is ${names.hermannMauguin ?? names.hall ?? names.number}, but the only operation listed is ` +
          'the identity, which counts',
      );
    }
    if (cell === null && operations.length > 1) throw block.error(listed, 0, 'symmetry operations need a cell');
    if (!hasSymmetry(metric, operations)) {
      warnings.warn(
        'metric',
        `data_${block.name}: the cell does not have the symmetry of the operations that are listed`,
      );
    }
    return operations;
  }
  if (cell === null && namesNoSymmetry(names)) return [IDENTITY];
  const answer = spaceGroupOperations(names, metric);
  if (answer === undefined) {
    warnings.warn(
      'no symmetry',
      `data_${block.name}: no space group and no symmetry operations are given; P 1 is taken`,
    );
    return [IDENTITY];
  }
  if (answer.problem !== undefined) {
    throw new ParseError(
      { file, text: answer.text },
      `data_${block.name}: ${answer.problem}; give the symmetry operations as a loop of _space_group_symop_operation_xyz`,
    );
  }
  if (answer.operations.length > 1) {
    warnings.warn(
      'named group',
      `data_${block.name}: no symmetry operations are listed; the ${answer.operations.length} of the space group ${answer.name} are taken`,
    );
  }
  return answer.operations;
}

/** @returns undefined where there are only `?` and `.` */
function listedOperations(block: CifBlock, listed: CifValues): readonly SymmetryOperation[] | undefined {
  const set = new OperationSet();
  for (let row = 0; row < listed.count; row++) {
    const text = block.text(listed, row);
    if (text === undefined && listed.count === 1) return undefined;
    const operation = text === undefined ? undefined : parseSymmetryOperation(text);
    if (operation === undefined) throw block.error(listed, row, 'a symmetry operation such as x,1/2+y,-z was expected');
    set.add(operation);
    if (set.operations.length > MOST_OPERATIONS)
      throw block.error(listed, row, `more than ${MOST_OPERATIONS} symmetry operations`);
  }
  if (!set.has(IDENTITY)) throw block.error(listed, 0, 'the identity x,y,z is not among the symmetry operations');
  const missing = set.missingProduct();
  if (missing !== undefined) {
    const [first, second] = missing.map(formatSymmetryOperation);
    throw block.error(
      listed,
      0,
      `the ${set.operations.length} symmetry operations are not a whole group: ${second} and then ${first} is not among them`,
    );
  }
  return set.operations;
}

function metricOf(cell: Float64Array): Float64Array {
  const metric = new Float64Array(9);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      for (let k = 0; k < 3; k++) {
        metric[3 * i + j] = (metric[3 * i + j] as number) + (cell[3 * i + k] as number) * (cell[3 * j + k] as number);
      }
    }
  }
  return metric;
}

/**
 * @param axes  the cell that makes fractional coordinates of Cartesian ones; null where they are as they are wanted
 */
function readSites(
  block: CifBlock,
  coordinates: readonly CifValues[],
  axes: Float64Array | null,
  warnings: Warnings,
): Site[] {
  const rows = (coordinates[0] as CifValues).count;
  const column = (...names: readonly string[]) => {
    const values = block.column(...names);
    if (values !== undefined && values.count !== rows) {
      throw block.error(values, 0, `${values.count} values for ${rows} atoms`);
    }
    return values;
  };
  const labels = column('_atom_site_label', '_atom_site_label_atom_id');
  const symbols = column('_atom_site_type_symbol');
  const occupancies = column('_atom_site_occupancy');
  const flags = column('_atom_site_calc_flag');
  for (const values of coordinates) column(values.name);
  const named = labels ?? symbols;
  if (named === undefined) {
    throw block.error(
      coordinates[0] as CifValues,
      0,
      'the atoms have neither _atom_site_type_symbol nor _atom_site_label',
    );
  }
  const formula = elementsOfFormula(block);
  const inverse = axes === null ? undefined : inverseTriangle(axes);
  const sites: Site[] = [];
  const known = new Set<string>();
  for (let row = 0; row < rows; row++) {
    const text = (values: CifValues | undefined) => (values === undefined ? undefined : block.text(values, row));
    const label = (text(labels) ?? text(symbols) ?? '?').replaceAll(/[\s\p{Cc}\p{Surrogate}]+/gu, '_');
    if (text(flags) === 'dum') {
      warnings.warn(
        'dummy',
        `line ${block.lineOf(named, row)}: ${label} is a dummy atom and left out, as all of them are`,
      );
      continue;
    }
    const texts = coordinates.map((values) => text(values));
    if (texts.every((each) => each === undefined)) {
      warnings.warn(
        'unplaced',
        `line ${block.lineOf(named, row)}: ${label} has no coordinates and is left out, as all such atoms are`,
      );
      continue;
    }
    const numbers = coordinates.map((values, axis) => block.number(values, row, texts[axis])) as [
      number,
      number,
      number,
    ];
    if (numbers.some((number) => Math.abs(number) > LARGEST_COORDINATE)) {
      throw block.error(coordinates[0] as CifValues, row, `coordinates up to ${LARGEST_COORDINATE} were expected`);
    }
    const symbol = text(symbols);
    const element = symbol === undefined ? elementOfLabel(text(labels) ?? '', formula) : elementOfSymbol(symbol);
    if (element === undefined) {
      throw block.error(
        symbol === undefined ? named : (symbols as CifValues),
        row,
        'the symbol of an element was expected',
      );
    }
    const occupancy =
      occupancies === undefined || text(occupancies) === undefined
        ? 1
        : block.number(occupancies, row, text(occupancies));
    if (occupancy < 0 || occupancy > FULL)
      throw block.error(occupancies as CifValues, row, 'an occupancy from 0 to 1 was expected');
    if (occupancy < 1) {
      warnings.warn(
        'occupancy',
        `line ${block.lineOf(named, row)}: ${label} is there to a share of ${occupancy} only; atoms are read as whole ones, and the column "occupancy" says their share`,
      );
    }
    const fractional: [number, number, number] = inverse === undefined ? numbers : [0, 0, 0];
    if (inverse !== undefined) {
      const placed = new Float64Array(3);
      toCartesian(inverse, numbers, 0, placed, 0);
      [fractional[0], fractional[1], fractional[2]] = placed as unknown as [number, number, number];
    }
    if (labels !== undefined && known.has(label)) {
      warnings.warn('labels', `line ${block.lineOf(named, row)}: the label ${label} belongs to an earlier site too`);
    }
    known.add(label);
    sites.push({ row, place: named, label, element, fractional, occupancy });
  }
  return sites;
}

/** The elements of `_atom_type_symbol` and of the formula, which tell whether the label CA1 means calcium or carbon. */
function elementsOfFormula(block: CifBlock): ReadonlySet<string> {
  const elements = new Set<string>();
  const types = block.column('_atom_type_symbol');
  for (let row = 0; row < (types?.count ?? 0); row++) {
    const element = elementOfSymbol(block.text(types as CifValues, row) ?? '');
    if (element !== undefined) elements.add(element);
  }
  const formula = block.value(
    '_chemical_formula_sum',
    '_chemical_formula_moiety',
    '_chemical_formula_structural',
  )?.text;
  for (const word of formula?.match(/[A-Z][a-z]?/g) ?? []) elements.add(word);
  return elements;
}
