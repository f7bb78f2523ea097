namespace Lemma.Text.Patterns;

/// <summary>What a step of a compiled pattern does.</summary>
internal enum Operation
{
    /// <summary>One character of the set.</summary>
    Set,

    /// <summary>Characters of the set, as many as possible.</summary>
    Loop,

    /// <summary>Characters of the set, as few as possible.</summary>
    LazyLoop,

    /// <summary>The first of the targets that leads to a match; the next character leaves some out.</summary>
    Choice,

    /// <summary>The next step, or else the target.</summary>
    Split,

    /// <summary>The target, or else the next step.</summary>
    LazySplit,

    /// <summary>The target.</summary>
    Jump,

    /// <summary>Notes where an iteration of a loop starts.</summary>
    BeginIteration,

    /// <summary>An iteration that took nothing is the last one: the target.</summary>
    EndIteration,

    /// <summary>The start of a group whose first way to match is the only one.</summary>
    Enter,

    /// <summary>The end of such a group; looking around goes back to its start.</summary>
    Leave,

    /// <summary>So many characters to the left.</summary>
    StepBack,

    /// <summary>A condition of the place.</summary>
    Check,

    /// <summary>The match.</summary>
    Accept,
}

/// <summary>A step of a compiled pattern.</summary>
internal sealed class Instruction(Operation operation)
{
    /// <summary>What it does.</summary>
    public Operation Operation { get; } = operation;

    /// <summary>Where it may go: the other way of a split, behind a loop, behind a group that must not match.</summary>
    public int Target { get; set; }

    /// <summary>The set of characters.</summary>
    public CharacterSet Set { get; init; } = CharacterSet.Empty;

    /// <summary>How often at least; how many steps back; the register of an iteration.</summary>
    public int Least { get; init; }

    /// <summary>How often at most.</summary>
    public int Most { get; init; } = int.MaxValue;

    /// <summary>Whether a loop gives nothing back.</summary>
    public bool IsPossessive { get; init; }

    /// <summary>Whether a group looks around, and the text goes on where it began.</summary>
    public bool IsLook { get; init; }

    /// <summary>Whether it must not match.</summary>
    public bool IsNegative { get; init; }

    /// <summary>The condition.</summary>
    public Anchor Anchor { get; init; }

    /// <summary>Which choices a next character leaves: one mask for each of ASCII, for all others, and for the end.</summary>
    public ulong[] Masks { get; init; } = [];

    /// <summary>Where the choices start.</summary>
    public int[] Targets { get; init; } = [];

    /// <summary>Where the innermost group around ends: its Leave, or Accept.</summary>
    public int GroupEnd { get; set; } = -1;

    /// <summary>The registers of the loops around, inside of the innermost group, whose iterations may take nothing.</summary>
    public int[] Registers { get; set; } = [];
}
