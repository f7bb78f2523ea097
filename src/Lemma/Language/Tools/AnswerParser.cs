using System.Text;
using Lemma.Text.Templates;

namespace Lemma.Language.Tools;

/// <summary>Pieces of text in; what is said, what is thought and calls of tools out, whatever the borders of the pieces.</summary>
/// <remarks>
/// Nothing of a mark is ever let through. The text must have its special tokens (<see cref="Decoding.GenerationOptions.KeepsSpecialTokens"/>), as marks may be such.
/// </remarks>
public sealed class AnswerParser
{
    private readonly AnswerFormat format;
    private readonly CallReader? reader;
    private readonly string trigger;
    private readonly StringBuilder held = new();
    private readonly List<AnswerDelta> found = [];
    private AnswerKind kind;
    private bool isInCalls, trimsStart;

    /// <summary>A parser at the start of an answer.</summary>
    /// <param name="format">How the model's answers look.</param>
    /// <param name="tools">The tools; none where no calls are looked for.</param>
    public AnswerParser(AnswerFormat format, IReadOnlyList<Tool> tools)
    {
        ArgumentNullException.ThrowIfNull(format);
        ArgumentNullException.ThrowIfNull(tools);
        this.format = format;
        reader = format.Calls is { } calls && tools.Count > 0 ? new CallReader(calls, tools) : null;
        trigger = reader is null ? "" : ToolGrammar.TriggerOf(format.Calls!);
        bool thinks = format.Reasoning is { IsOpen: true };
        (kind, trimsStart) = (thinks ? AnswerKind.Reasoning : AnswerKind.Content, thinks);
    }

    /// <summary>Whether what comes next is thought, as far as is known.</summary>
    public bool IsThinking => !isInCalls && kind == AnswerKind.Reasoning;

    /// <summary>What is certain after one more piece.</summary>
    public IReadOnlyList<AnswerDelta> Append(string piece)
    {
        held.Append(piece);
        found.Clear();
        while (Step())
        {
        }
        return [.. found];
    }

    /// <summary>What was held back, when the answer ends.</summary>
    public IReadOnlyList<AnswerDelta> Finish()
    {
        found.Clear();
        if (isInCalls)
            reader!.Finish(held.ToString(), found);
        else
            Tell(kind == AnswerKind.Reasoning ? held.ToString().TrimEnd() : held.ToString());
        held.Clear();
        return [.. found];
    }

    // Goes on as far as is certain; true where more may be.
    private bool Step()
    {
        string text = held.ToString();
        if (isInCalls)
        {
            int read = reader!.Read(text, found, out bool isOver);
            held.Remove(0, read);
            if (isOver)
                (isInCalls, kind, trimsStart) = (false, AnswerKind.Content, true);
            return isOver && held.Length > 0;
        }
        string?[] marks = kind == AnswerKind.Reasoning ? [format.Reasoning!.End] : [trigger.Length > 0 ? trigger : null, format.Reasoning?.Start];
        (int at, string? mark) = (text.Length, null);
        foreach (string? one in marks)
            if (one is not null && text.IndexOf(one, StringComparison.Ordinal) is var place and >= 0 && place < at)
                (at, mark) = (place, one);
        if (mark is null)
        {
            // What may begin a mark is held back, and the white space before it too, since that belongs to a mark.
            int certain = text.Length - marks.Max(one => one is null ? 0 : Begun(text, one));
            while (certain > 0 && char.IsWhiteSpace(text[certain - 1]) && marks.Any(static one => one is not null))
                certain--;
            Tell(text[..certain]);
            held.Remove(0, certain);
            return false;
        }
        Tell(text[..at].TrimEnd());
        held.Remove(0, at + mark.Length);
        if (kind == AnswerKind.Reasoning)
            (kind, trimsStart) = (AnswerKind.Content, true);
        else if (mark == format.Reasoning?.Start)
            (kind, trimsStart) = (AnswerKind.Reasoning, true);
        else
        {
            isInCalls = true;
            reader!.Begin();
        }
        return true;
    }

    private void Tell(string text)
    {
        text = trimsStart ? text.TrimStart() : text;
        if (text.Length == 0)
            return;
        trimsStart = false;
        found.Add(new AnswerDelta(kind, text));
    }

    // The length of the longest end of a text that begins a mark.
    internal static int Begun(string text, string mark)
    {
        int length = Math.Min(mark.Length - 1, text.Length);
        while (length > 0 && !text.AsSpan(text.Length - length).SequenceEqual(mark.AsSpan(0, length)))
            length--;
        return length;
    }
}
