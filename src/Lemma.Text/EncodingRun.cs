using System.Runtime.InteropServices;
using Lemma.Text.Models;
using Lemma.Text.Splitting;

namespace Lemma.Text;

/// <summary>The buffers of one encoding; used again by the next.</summary>
internal sealed class EncodingRun
{
    private readonly List<(int Start, int End)> located = [];
    private int words;

    /// <summary>The text after the normalizer.</summary>
    public AlignedText Normalized { get; } = new();

    /// <summary>The pieces.</summary>
    public SplitBuffer Buffer { get; } = new();

    /// <summary>Where ids go.</summary>
    public List<int> Ids { get; private set; } = [];

    /// <summary>Where the ranges of the original text go; null when they are not wanted.</summary>
    public List<(int Start, int End)>? Ranges { get; private set; }

    /// <summary>The number of the word that each id belongs to, −1 for added tokens; with <see cref="Ranges"/>.</summary>
    public List<int> Words { get; } = [];

    /// <summary>By what BPE passes over merges; null for not at all.</summary>
    public (Random Random, double Probability)? Dropout { get; set; }

    /// <summary>Whether ranges are wanted.</summary>
    public bool Tracks => Ranges is not null;

    /// <summary>Starts an encoding.</summary>
    public void Begin(List<int> ids, List<(int Start, int End)>? ranges = null)
    {
        (Ids, Ranges) = (ids, ranges);
        Words.Clear();
        words = 0;
    }

    /// <summary>An added token of the text as given.</summary>
    public void Add(int id, int start, int end)
    {
        Ids.Add(id);
        Ranges?.Add((start, end));
        Words.Add(-1);
    }

    /// <summary>An added token of the normalized text.</summary>
    public void Add(int id, AlignedText normalized, int start, int end)
    {
        (int from, int to) = Tracks ? normalized.OriginOf(start, end) : default;
        Add(id, from, to);
    }

    /// <summary>Adds the ranges of the ids of a piece.</summary>
    public void Locate(TokenModel model, int piece, int firstId)
    {
        located.Clear();
        model.Locate(Buffer[piece], CollectionsMarshal.AsSpan(Ids)[firstId..], located);
        int start = Buffer.StartOf(piece), word = words++;
        foreach ((int from, int to) in located)
        {
            Ranges!.Add(Buffer.Aligned.OriginOf(start + from, start + to));
            Words.Add(word);
        }
    }
}
