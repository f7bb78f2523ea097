using System.Collections.Concurrent;
using Lemma.Text.Splitting;

namespace Lemma.Text.Models.ByteLevel;

/// <summary>The way from text to ids in one pass, for byte-level BPE behind a splitter with a hand-written scanner.</summary>
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
        if (model is not BpeModel bpe || PatternOf(splitter, out bool addsSpace) is not WordPattern pattern
            || bpe.ByteLevel is not ByteLevelBpe encoder)
            return null;
        EncodeWords encode = pattern switch
        {
            WordPattern.Gpt2 => encoder.Encode<Gpt2Scanner>,
            WordPattern.Cl100k => encoder.Encode<Cl100kScanner>,
            WordPattern.Qwen => encoder.Encode<QwenScanner>,
            _ => encoder.Encode<O200kScanner>,
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
