namespace Lemma.Text.Patterns;

/// <summary>Writes the tree of a pattern as steps.</summary>
internal sealed class PatternCompiler
{
    private const int MostSteps = 50_000, MostChoices = 64;
    /// <summary>The most loops in each other whose iterations may take nothing.</summary>
    public const int MostOpenLoops = 8;
    private readonly List<Instruction> steps = [];
    private readonly Stack<int> openLoops = new();
    private int registers;

    /// <summary>The steps of a pattern.</summary>
    /// <param name="node">The tree.</param>
    /// <param name="registers">How many loops note where an iteration starts.</param>
    /// <exception cref="ArgumentException">Looking behind has no fixed length, or there are too many steps.</exception>
    public static Instruction[] Compile(PatternNode node, out int registers)
    {
        PatternCompiler compiler = new();
        compiler.Write(node, Follow.End);
        compiler.Add(new Instruction(Operation.Accept));
        compiler.EndGroup(0);
        registers = compiler.registers;
        return [.. compiler.steps];
    }

    private int Add(Instruction step)
    {
        if (steps.Count == MostSteps)
            throw new ArgumentException($"pattern: the repetitions must come to at most {MostSteps} steps, but come to more");
        step.Registers = openLoops.Count == 0 ? [] : [.. openLoops];
        steps.Add(step);
        return steps.Count - 1;
    }

    // All steps of a group know where it ends; those of the groups inside of it know already.
    private void EndGroup(int first)
    {
        int end = steps.Count - 1;
        for (int i = first; i <= end; i++)
            if (steps[i].GroupEnd < 0)
                steps[i].GroupEnd = end;
    }

    private void Write(PatternNode node, Follow follow)
    {
        switch (node)
        {
            case SetNode set:
                Add(new Instruction(Operation.Set) { Set = set.Set });
                break;
            case SequenceNode sequence:
                Follow[] follows = new Follow[sequence.Parts.Count];
                for (int i = follows.Length - 1; i >= 0; i--)
                {
                    follows[i] = follow;
                    follow = follow.Behind(sequence.Parts[i]);
                }
                for (int i = 0; i < follows.Length; i++)
                    Write(sequence.Parts[i], follows[i]);
                break;
            case ChoiceNode choice:
                WriteChoice(choice.Choices, follow);
                break;
            case RepeatNode repeat:
                WriteRepeat(repeat, follow);
                break;
            case AtomicNode atomic:
                WriteGroup(atomic.Body, isLook: false, isNegative: false);
                break;
            case LookNode look:
                WriteGroup(look.IsAhead ? look.Body : Behind(look.Body), isLook: true, look.IsNegative);
                break;
            case AnchorNode anchor:
                Add(new Instruction(Operation.Check) { Anchor = anchor.Anchor });
                break;
            case StepBackNode step:
                Add(new Instruction(Operation.StepBack) { Least = step.Characters });
                break;
        }
    }

    private void WriteChoice(IReadOnlyList<PatternNode> choices, Follow follow)
    {
        if (choices.All(static choice => choice is SetNode))
        {
            Write(new SetNode(choices.Aggregate(CharacterSet.Empty, static (all, one) => all.Union(((SetNode)one).Set))), follow);
            return;
        }
        if (choices.Count > MostChoices)
            choices = [.. choices.Take(MostChoices - 1), new ChoiceNode([.. choices.Skip(MostChoices - 1)])];
        ulong[] masks = new ulong[130];
        int[] targets = new int[choices.Count];
        for (int i = 0; i < targets.Length; i++)
        {
            Follow start = follow.Behind(choices[i]);
            bool needsNothing = start.ReachesEnd || IsEmptyable(choices[i]);
            for (int c = 0; c < 0x80; c++)
                if (needsNothing || start.First.Contains(c))
                    masks[c] |= 1UL << i;
            if (needsNothing || start.First.HasMoreThanAscii)
                masks[128] |= 1UL << i;
            if (needsNothing)
                masks[129] |= 1UL << i;
        }
        Add(new Instruction(Operation.Choice) { Masks = masks, Targets = targets });
        List<int> ends = [];
        for (int i = 0; i < targets.Length; i++)
        {
            targets[i] = steps.Count;
            Write(choices[i], follow);
            if (i + 1 < targets.Length)
                ends.Add(Add(new Instruction(Operation.Jump)));
        }
        foreach (int end in ends)
            steps[end].Target = steps.Count;
    }

    private void WriteRepeat(RepeatNode repeat, Follow follow)
    {
        int most = repeat.Most < 0 ? int.MaxValue : repeat.Most;
        if (most == 0)
            return;
        if (repeat.Body is SetNode set)
        {
            Add(new Instruction(repeat.IsLazy ? Operation.LazyLoop : Operation.Loop)
            {
                Set = set.Set,
                Least = repeat.Least,
                Most = most,
                IsPossessive = !repeat.IsLazy && (repeat.Least == most || follow.NeedsNothingOf(set.Set)),
            });
            return;
        }
        Follow again = follow.Or(follow.Behind(repeat.Body)) with { IsCertain = false };
        for (int i = 0; i < repeat.Least; i++)
            Write(repeat.Body, again);
        again = again with { IsCertain = follow.IsCertain };
        List<int> exits = [];
        if (repeat.Most < 0)
            WriteStar(repeat, again, exits);
        else
            for (int i = repeat.Least; i < most; i++)
            {
                exits.Add(AddSplit(repeat.IsLazy));
                Write(repeat.Body, again);
            }
        foreach (int exit in exits)
            steps[exit].Target = steps.Count;
    }

    private void WriteStar(RepeatNode repeat, Follow again, List<int> exits)
    {
        int start = AddSplit(repeat.IsLazy);
        exits.Add(start);
        if (!IsEmptyable(repeat.Body))
            Write(repeat.Body, again);
        else
        {
            if (openLoops.Count == MostOpenLoops)
                throw new ArgumentException($"pattern: at most {MostOpenLoops} loops that may take nothing may stand in each other");
            int register = registers++;
            Add(new Instruction(Operation.BeginIteration) { Least = register });
            openLoops.Push(register);
            Write(repeat.Body, again);
            exits.Add(Add(new Instruction(Operation.EndIteration) { Least = register }));
            openLoops.Pop();
        }
        Add(new Instruction(Operation.Jump) { Target = start });
    }

    private int AddSplit(bool isLazy) => Add(new Instruction(isLazy ? Operation.LazySplit : Operation.Split));

    private void WriteGroup(PatternNode body, bool isLook, bool isNegative)
    {
        int[] outer = [.. openLoops];
        int enter = Add(new Instruction(Operation.Enter) { IsLook = isLook, IsNegative = isNegative });
        openLoops.Clear();
        Write(body, Follow.End);
        Add(new Instruction(Operation.Leave) { IsLook = isLook, IsNegative = isNegative });
        EndGroup(enter + 1);
        foreach (int register in outer.Reverse())
            openLoops.Push(register);
        steps[enter].Target = steps.Count;
    }

    private static ChoiceNode Behind(PatternNode body)
    {
        IReadOnlyList<PatternNode> choices = body is ChoiceNode choice ? choice.Choices : [body];
        return new ChoiceNode([.. choices.Select(static one => new SequenceNode([new StepBackNode(LengthOf(one)
            ?? throw new ArgumentException("pattern: what looks behind must have a fixed length in each choice, but has not")), one]))]);
    }

    private static int? LengthOf(PatternNode node)
    {
        switch (node)
        {
            case SetNode:
                return 1;
            case SequenceNode sequence:
                return sequence.Parts.Aggregate((int?)0, static (sum, part) => sum + LengthOf(part));
            case ChoiceNode choice:
                int? first = LengthOf(choice.Choices[0]);
                return choice.Choices.All(one => LengthOf(one) == first) ? first : null;
            case RepeatNode repeat:
                return repeat.Least == repeat.Most && LengthOf(repeat.Body) is int length and <= 1 << 14 ? repeat.Least * length : null;
            case AtomicNode atomic:
                return LengthOf(atomic.Body);
            default:
                return 0;
        }
    }

    private static bool IsEmptyable(PatternNode node) => node switch
    {
        SetNode => false,
        SequenceNode sequence => sequence.Parts.All(IsEmptyable),
        ChoiceNode choice => choice.Choices.Any(IsEmptyable),
        RepeatNode repeat => repeat.Least == 0 || IsEmptyable(repeat.Body),
        AtomicNode atomic => IsEmptyable(atomic.Body),
        _ => true,
    };
}
