using System.Runtime.CompilerServices;

namespace Lemma.Text.Patterns;

/// <summary>Runs the steps of a pattern over a text, back to the last choice where it fails; one thread.</summary>
/// <remarks>Work beyond some multiple of the text makes it careful: from then on it remembers what a step at a place came to, so no step is
/// tried twice at one place. What a step comes to depends on its place alone, and on which loops around have taken nothing yet.</remarks>
internal sealed class PatternMatcher(Instruction[] steps, int registers, Follow start, int freeWork)
{
    private const int WorkOfCharacter = 64;
    private readonly FailureTable known = new();
    private readonly int[] iterations = new int[registers];
    private readonly (int Start, int End)[] runs = new (int, int)[steps.Length];
    private readonly ulong[] starts = start.First.Basic;
    private Frame[] frames = new Frame[32];
    private int[] groups = new int[8];
    private int frameCount, groupCount;
    private long work;
    private bool isCareful;

    private enum FrameKind { Resume, Shorten, Lengthen, Choose, Restore, Group, Remember }

    private struct Frame
    {
        public FrameKind Kind;
        public int Step, At;
        public ulong More;
    }

    /// <summary>Forgets the text before.</summary>
    public void Begin()
    {
        (work, isCareful) = (0, false);
        known.Clear();
        if (freeWork < 0)
            BeCareful();
    }

    /// <summary>Finds the first match at or after a place.</summary>
    public bool Find(ReadOnlySpan<char> text, int from, out int matchStart, out int matchEnd)
    {
        for (int at = from; at <= text.Length; at++)
        {
            if (!start.ReachesEnd)
            {
                while (at < text.Length && !char.IsHighSurrogate(text[at]) && (starts[text[at] >> 6] >> text[at] & 1) == 0)
                    at++;
                if (at == text.Length)
                    break;
            }
            if (TryMatch(text, at, out matchEnd))
            {
                matchStart = at;
                return true;
            }
            if (at < text.Length && char.IsHighSurrogate(text[at]))
                at++;
        }
        (matchStart, matchEnd) = (text.Length, text.Length);
        return false;
    }

    private void BeCareful()
    {
        if (!isCareful)
            Array.Fill(runs, (-1, -2));
        isCareful = true;
    }

    private bool TryMatch(ReadOnlySpan<char> text, int from, out int end)
    {
        (frameCount, groupCount) = (0, 0);
        int at = from, step = 0;
        if (work > freeWork + ((long)WorkOfCharacter * from))
            BeCareful();
        while (true)
        {
            Instruction now = steps[step];
            if (isCareful && now.Operation is Operation.Choice or Operation.Split or Operation.LazySplit or Operation.Loop or Operation.LazyLoop
                && Recall(now, ref step, ref at, isRest: false) is bool isKnown)
            {
                if (isKnown || Back(text, ref step, ref at))
                    continue;
                break;
            }
            bool goesOn = true;
            switch (now.Operation)
            {
                case Operation.Set:
                    int width = Width(text, at, now.Set);
                    goesOn = width > 0;
                    at += width;
                    step++;
                    break;
                case Operation.Loop:
                    goesOn = Loop(text, now, ref step, ref at);
                    break;
                case Operation.LazyLoop:
                    goesOn = Take(text, now.Set, now.Least, ref at) == now.Least && OneLess(now, ref step, ref at, now.Least);
                    break;
                case Operation.Choice:
                    ulong mask = now.Masks[at == text.Length ? 129 : Math.Min((int)text[at], 128)];
                    goesOn = mask != 0;
                    if (goesOn)
                        Choose(now, ref step, at, mask);
                    break;
                case Operation.Split:
                    Push(FrameKind.Resume, now.Target, at, 0);
                    step++;
                    break;
                case Operation.LazySplit:
                    Push(FrameKind.Resume, step + 1, at, 0);
                    step = now.Target;
                    break;
                case Operation.Jump:
                    step = now.Target;
                    break;
                case Operation.BeginIteration:
                    Push(FrameKind.Restore, now.Least, iterations[now.Least], 0);
                    iterations[now.Least] = at;
                    step++;
                    break;
                case Operation.EndIteration:
                    step = iterations[now.Least] == at ? now.Target : step + 1;
                    break;
                case Operation.Enter:
                    OpenGroup();
                    Push(FrameKind.Group, step, at, 0);
                    step++;
                    break;
                case Operation.Leave:
                    goesOn = CloseGroup(now, ref at);
                    step++;
                    break;
                case Operation.StepBack:
                    for (int i = 0; i < now.Least && (goesOn = at > 0); i++)
                        at -= at > 1 && char.IsLowSurrogate(text[at - 1]) ? 2 : 1;
                    step++;
                    break;
                case Operation.Check:
                    goesOn = Anchors.Holds(now.Anchor, text, at);
                    step++;
                    break;
                default:
                    end = at;
                    return true;
            }
            if (!goesOn && !Back(text, ref step, ref at))
                break;
        }
        end = 0;
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Width(ReadOnlySpan<char> text, int at, CharacterSet set)
    {
        if ((uint)at >= (uint)text.Length)
            return 0;
        char c = text[at];
        if (!char.IsHighSurrogate(c))
            return (set.Basic[c >> 6] >> c & 1) != 0 ? 1 : 0;
        return set.ContainsFar(char.ConvertToUtf32(c, text[at + 1])) ? 2 : 0;
    }

    /// <summary>Takes characters of a set; says how many.</summary>
    private int Take(ReadOnlySpan<char> text, CharacterSet set, int most, ref int at)
    {
        int count = 0, begin = at, width;
        while (count < most && (width = Width(text, at, set)) > 0)
        {
            at += width;
            count++;
        }
        work += at - begin;
        return count;
    }

    private bool Loop(ReadOnlySpan<char> text, Instruction now, ref int step, ref int at)
    {
        int loop = step++;
        if (isCareful && now.Most == int.MaxValue)
        {
            if (Take(text, now.Set, now.Least, ref at) < now.Least)
                return false;
            if (!now.IsPossessive)
                return OneMore(text, now, loop, ref step, ref at);
            at = EndOfRun(text, now.Set, loop, at);
            return true;
        }
        int begin = at;
        if (now.IsPossessive || now.Least == 0)
        {
            if (Take(text, now.Set, now.Most, ref at) < now.Least)
                return false;
        }
        else
        {
            if (Take(text, now.Set, now.Least, ref at) < now.Least)
                return false;
            begin = at;
            Take(text, now.Set, now.Most - now.Least, ref at);
        }
        if (!now.IsPossessive && at > begin)
            Push(FrameKind.Shorten, loop, at, (ulong)begin);
        return true;
    }

    // Runs of one loop that touch end together.
    private int EndOfRun(ReadOnlySpan<char> text, CharacterSet set, int loop, int at)
    {
        (int start, int end) = runs[loop];
        if (at >= start && at <= end)
            return end;
        int begin = at;
        for (int width; at != start && (width = Width(text, at, set)) > 0; at += width)
            work++;
        runs[loop] = (begin, at == start ? end : at);
        return runs[loop].End;
    }

    // Careful: a loop is a row of places, of each of which it is remembered what comes of it.
    private bool OneMore(ReadOnlySpan<char> text, Instruction now, int loop, ref int step, ref int at)
    {
        while (true)
        {
            int place = loop;
            if (Recall(now, ref place, ref at, isRest: true) is bool isKnown)
            {
                step = place;
                return isKnown;
            }
            work++;
            int width = Width(text, at, now.Set);
            if (width == 0)
                return true;
            Push(FrameKind.Resume, loop + 1, at, 0);
            at += width;
        }
    }

    // Goes on behind a lazy loop, and notes that it may take one more; careful, it is remembered what came of that.
    private bool OneLess(Instruction now, ref int step, ref int at, int count)
    {
        int loop = step;
        if (isCareful && now.Most == int.MaxValue && Recall(now, ref step, ref at, isRest: true) is bool isKnown)
            return isKnown;
        if (count < now.Most)
            Push(FrameKind.Lengthen, loop, at, (ulong)(uint)count);
        step = loop + 1;
        return true;
    }

    private void Choose(Instruction now, ref int step, int at, ulong mask)
    {
        ulong rest = mask & (mask - 1);
        if (rest != 0)
            Push(FrameKind.Choose, step, at, rest);
        step = now.Targets[System.Numerics.BitOperations.TrailingZeroCount(mask)];
    }

    /// <summary>Goes back to the last choice; false where there is none.</summary>
    private bool Back(ReadOnlySpan<char> text, ref int step, ref int at)
    {
        if (++work > freeWork + ((long)WorkOfCharacter * text.Length))
            BeCareful();
        while (frameCount > 0)
        {
            ref Frame frame = ref frames[--frameCount];
            (step, at) = (frame.Step, frame.At);
            switch (frame.Kind)
            {
                case FrameKind.Resume:
                    return true;
                case FrameKind.Shorten:
                    at -= char.IsLowSurrogate(text[at - 1]) ? 2 : 1;
                    if (at > (int)frame.More)
                    {
                        frame.At = at;
                        frameCount++;
                    }
                    step++;
                    return true;
                case FrameKind.Lengthen:
                    int width = Width(text, at, steps[step].Set);
                    if (width == 0)
                        break;
                    at += width;
                    if (OneLess(steps[step], ref step, ref at, (int)frame.More + 1))
                        return true;
                    break;
                case FrameKind.Choose:
                    ulong mask = frame.More;
                    Choose(steps[step], ref step, at, mask);
                    return true;
                case FrameKind.Restore:
                    iterations[step] = at;
                    break;
                case FrameKind.Group:
                    groupCount--;
                    if (!steps[step].IsNegative)
                        break;
                    step = steps[step].Target;
                    return true;
                default:
                    known.Set((long)frame.More, FailureTable.Failed);
                    break;
            }
        }
        return false;
    }

    /// <summary>What became of a step at this place: false for no match, true with the place where its group ended; null for not known,
    /// and then it will be remembered.</summary>
    private bool? Recall(Instruction now, ref int step, ref int at, bool isRest)
    {
        long key = (2L * step) + (isRest ? 1 : 0);
        key <<= PatternCompiler.MostOpenLoops;
        for (int i = 0; i < now.Registers.Length; i++)
            key |= iterations[now.Registers[i]] == at ? 1L << i : 0;
        key = (key << 31) | (uint)at;
        if (!known.TryGet(key, out int result))
        {
            Push(FrameKind.Remember, step, at, (ulong)key);
            return null;
        }
        if (result == FailureTable.Failed)
            return false;
        (step, at) = (now.GroupEnd, result);
        return true;
    }

    private void OpenGroup()
    {
        if (groupCount == groups.Length)
            Array.Resize(ref groups, 2 * groupCount);
        groups[groupCount++] = frameCount;
    }

    private bool CloseGroup(Instruction now, ref int at)
    {
        int first = groups[--groupCount];
        for (int i = first + 1; isCareful && i < frameCount; i++)
            if (frames[i].Kind == FrameKind.Remember)
                known.Set((long)frames[i].More, at);
        frameCount = first;
        if (now.IsLook)
            at = frames[first].At;
        return !now.IsNegative;
    }

    private void Push(FrameKind kind, int step, int at, ulong more)
    {
        if (frameCount == frames.Length)
            Array.Resize(ref frames, 2 * frameCount);
        frames[frameCount++] = new Frame { Kind = kind, Step = step, At = at, More = more };
    }
}
