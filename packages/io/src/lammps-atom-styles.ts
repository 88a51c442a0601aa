/** The columns of the section Atoms, by atom style; image flags `ix iy iz` may follow. */
export const ATOM_STYLES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    atomic: 'id type x y z',
    angle: 'id mol type x y z',
    bond: 'id mol type x y z',
    molecular: 'id mol type x y z',
    charge: 'id type q x y z',
    full: 'id mol type q x y z',
    dipole: 'id type q x y z mux muy muz',
    dpd: 'id type theta x y z',
    electron: 'id type q espin eradius x y z',
    ellipsoid: 'id type ellipsoidflag density x y z',
    body: 'id type bodyflag mass x y z',
    line: 'id mol type lineflag density x y z',
    mdpd: 'id type rho x y z',
    peri: 'id type volume density x y z',
    sph: 'id type rho esph cv x y z',
    sphere: 'id type diameter density x y z',
    'bpm/sphere': 'id mol type diameter density x y z',
    spin: 'id type x y z spx spy spz sp',
    tri: 'id mol type triangleflag density x y z',
  }).map(([style, columns]) => [style, columns.split(' ')]),
);

const WHOLE = /^[+-]?\d+$/;

/**
 * The style of atoms whose section does not name it, by the fields of the first of them.
 *
 * Six fields are of style molecular where the third is the number of a type, else of style charge.
 *
 * @param types  how many the header declares
 */
export function guessAtomStyle(
  fields: readonly string[],
  types: number | undefined,
): { readonly style: 'atomic' | 'charge' | 'molecular' | 'full'; readonly hasImages: boolean } | undefined {
  const hasImages = fields.length >= 8;
  const isType = (text: string | undefined) =>
    WHOLE.test(text ?? '') && Number(text) >= 1 && Number(text) <= (types ?? Number.POSITIVE_INFINITY);
  switch (fields.length - (hasImages ? 3 : 0)) {
    case 5:
      return { style: 'atomic', hasImages };
    case 6:
      return { style: isType(fields[2]) ? 'molecular' : 'charge', hasImages };
    case 7:
      return WHOLE.test(fields[1] ?? '') && isType(fields[2]) ? { style: 'full', hasImages } : undefined;
    default:
      return undefined;
  }
}
