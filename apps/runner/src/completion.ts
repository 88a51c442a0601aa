import type { Command, Option } from 'commander';

/** Shells for which there is a script. */
export const COMPLETED_SHELLS = ['bash', 'zsh', 'fish'] as const;

export type CompletedShell = (typeof COMPLETED_SHELLS)[number];

/**
 * The script that a shell runs once. It asks `surprisal complete -- WORD...` for what may stand at the cursor; where that says
 * nothing, the shell completes names of files, as it does for any command.
 */
export function completionScript(shell: CompletedShell): string {
  return SCRIPTS[shell];
}

/** Something that may stand at the cursor. */
export interface Candidate {
  readonly value: string;
  readonly meaning: string;
}

/**
 * What may stand at the cursor: a command, an option, or one of the values that an option or argument allows.
 *
 * @param words  behind the name of the program, up to the word at the cursor, which may be empty
 * @returns nothing where a file or a number is wanted
 */
export function candidates(program: Command, words: readonly string[]): readonly Candidate[] {
  const before = words.slice(0, -1);
  let word = words.at(-1) ?? '';
  // Bash parts --backend=native into three words.
  if (word === '=') word = '';
  else if (before.at(-1) === '=') before.pop();
  const [name] = before;
  if (name === undefined) return [...commandsOf(program), ...optionsOf(program)].filter(startsWith(word));
  const command = program.commands.find((each) => each.name() === name);
  if (command === undefined) return name === 'help' ? commandsOf(program).filter(startsWith(word)) : [];
  const [, flag, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
  if (flag !== undefined && value !== undefined) {
    return choicesOf(optionOf(command, flag)?.argChoices)
      .filter(startsWith(value))
      .map((choice) => ({ ...choice, value: `${flag}=${choice.value}` }));
  }
  const option = optionOf(command, before.at(-1) ?? '');
  if (option !== undefined && takesValue(option)) return choicesOf(option.argChoices).filter(startsWith(word));
  if (word.startsWith('-')) return optionsOf(command).filter(startsWith(word));
  return choicesOf(command.registeredArguments[0]?.argChoices).filter(startsWith(word));
}

function commandsOf(program: Command): Candidate[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => ({ value: command.name(), meaning: command.summary() || command.description() }));
}

function optionsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map(({ long, short, description }) => ({ value: long ?? short ?? '', meaning: description }));
}

function choicesOf(choices: readonly string[] = []): Candidate[] {
  return choices.map((value) => ({ value, meaning: '' }));
}

function optionOf(command: Command, flag: string): Option | undefined {
  return command.options.find(({ long, short }) => flag === long || flag === short);
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function startsWith(text: string): (candidate: Candidate) => boolean {
  // Options are offered to who began one.
  return ({ value }) => value.startsWith(text) && (text !== '' || !value.startsWith('-'));
}

const SCRIPTS: Readonly<Record<CompletedShell, string>> = {
  bash: `# completes the command surprisal in bash
_surprisal() {
  local IFS=$'\\n'
  COMPREPLY=($(surprisal complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  COMPREPLY=("\${COMPREPLY[@]%%$'\\t'*}")
}
complete -o bashdefault -o default -F _surprisal surprisal
`,
  zsh: `#compdef surprisal
# completes the command surprisal in zsh
_surprisal() {
  local -a found
  found=("\${(@f)$(surprisal complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("\${(@)found:#}")
  if (( $#found )); then
    found=("\${(@)found//:/\\\\:}")
    found=("\${(@)found/$'\\t'/:}")
    _describe surprisal found
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == _surprisal ]]; then
  _surprisal "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _surprisal surprisal
fi
`,
  fish: `# completes the command surprisal in fish
function __surprisal
  surprisal complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null
end
complete -c surprisal -a '(__surprisal)'
`,
};
