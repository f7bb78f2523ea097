using System.Collections.Concurrent;
using Lemma.Text.Splitting;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>The way from text to ids in one pass, for byte-level BPE behind a splitter with a hand-written scanner, or without spelling
/// bytes as characters, behind other splitters that only cut.</summary>
internal sealed class ByteLevelPath
{
    private readonly ConcurrentBag<ByteLevelState> idle = [];
    private readonly EncodeWords encode;
    private readonly bool addsSpace;

    private delegate void EncodeWords(ReadOnlySpan<char> text, ByteLevelState state);

    private ByteLevelPath(EncodeWords encode, bool addsSpace) => (this.encode, this.addsSpace) = (encode, addsSpace);

    /// <summary>The path of a model and a splitter, or null when they have none.</summary>
    public static ByteLevelPath? TryMake(TokenModel model, Splitter? splitter)
    {
        if (model is not BpeModel bpe || (PatternOf(splitter, out bool addsSpace) is null && !OnlyCuts(splitter))
            || bpe.ByteLevel is not ByteLevelBpe encoder)
            return null;
        EncodeWords encode = PatternOf(splitter, out _) switch
        {
            WordPattern.Gpt2 => encoder.Encode<Gpt2Scanner>,
            WordPattern.Cl100k => encoder.Encode<Cl100kScanner>,
            WordPattern.Qwen => encoder.Encode<QwenScanner>,
            WordPattern.O200k => encoder.Encode<O200kScanner>,
            _ => CutBy((SequenceSplitter)splitter!, encoder),
        };
        return new ByteLevelPath(encode, addsSpace);
    }

    /// <summary>A state that no other thread uses; <see cref="Return"/> it.</summary>
    public ByteLevelState Rent() => idle.TryTake(out ByteLevelState? state) ? state : new ByteLevelState();

    /// <summary>Gives a state back.</summary>
    public void Return(ByteLevelState state)
    {
        state.Count = 0;
        idle.Add(state);
    }

    /// <summary>Appends the ids of a text without added tokens to the state's.</summary>
    public void Encode(ReadOnlySpan<char> text, ByteLevelState state)
    {
        if (!addsSpace || text.IsEmpty || text[0] == ' ')
            encode(text, state);
        else
            encode(string.Concat(" ", text), state);
    }

    private static EncodeWords CutBy(SequenceSplitter splitter, ByteLevelBpe encoder)
    {
        bool splitsWords = ((ByteLevelSplitter)splitter.Splitters[^1]).SplitWords;
        return (text, state) =>
        {
            SplitBuffer buffer = state.Pieces;
            buffer.Fill(text);
            for (int i = 0; i + 1 < splitter.Splitters.Count; i++)
                splitter.Splitters[i].Split(buffer);
            for (int i = 0; i < buffer.Count; i++)
                if (splitsWords)
                    encoder.Encode<Gpt2Scanner>(buffer[i], state);
                else
                    encoder.EncodeWord(buffer[i], state);
        };
    }

    // Splitters that rewrite no text before bytes are spelled.
    private static bool OnlyCuts(Splitter? splitter) =>
        splitter is SequenceSplitter sequence && sequence.Splitters.Count > 1 && sequence.Splitters[^1] is ByteLevelSplitter { AddPrefixSpace: false }
        && sequence.Splitters.SkipLast(1).All(static one => one is PatternSplitter or ScalarSplitter or FixedLengthSplitter);

    private static WordPattern? PatternOf(Splitter? splitter, out bool addsSpace)
    {
        addsSpace = splitter is ByteLevelSplitter { AddPrefixSpace: true };
        return splitter switch
        {
            ByteLevelSplitter { SplitWords: true } => WordPattern.Gpt2,
            SequenceSplitter { Splitters: [PatternSplitter { Known: WordPattern pattern }, ByteLevelSplitter { SplitWords: false, AddPrefixSpace: false }] }
                => pattern,
            _ => null,
        };
    }
}
