/**
 * Below this bandwidth, 1/Å, environments are float64 where nobody asks for another precision. Rounding them to float32 moves δH
 * by so much over the bandwidth: of sets of molecules, metals and carbon against others, δH below 20 nats moved by up to 4e-5
 * at 0.015 1/Å, 1e-4 at 0.007 and 1.7e-4 at 0.003; within a set by up to 7e-6, and H by less than 4e-7.
 */
export const LEAST_FLOAT32_BANDWIDTH = 0.01;
