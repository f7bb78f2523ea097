using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Text;

namespace Lemma.Evaluation.Compression;

/// <summary>A decoder as a coder's model: it writes by passes over many tokens and reads token by token, with the same bits.</summary>
/// <remarks>
/// A text begins with the model's begin id, or its end id; where it has neither, the first token is coded as if all were as likely. When a window is full it
/// moves by the stride: its last tokens are read again by an empty state, as <see cref="PerplexityEvaluator"/> does, and what follows is predicted from them.
/// </remarks>
internal sealed class DecoderCoding(Decoder decoder, Tokenizer tokenizer, Workers workers, byte[] hash, int length, int stride) : CodingModel(tokenizer, hash)
{
    private const int RowsOfPass = 128;

    internal override (int Length, int Stride) Window => (length, stride);

    internal override CodingModel WithWindow(int windowLength, int windowStride)
    {
        if (windowLength < 1 || windowLength > decoder.MaximumLength || windowStride < 1 || windowStride > windowLength)
        {
            throw new InvalidDataException($"decompression: the file's window of {windowLength} tokens that moves by {windowStride} does not fit "
                + $"the model's {decoder.MaximumLength}");
        }
        return new DecoderCoding(decoder, Tokenizer, workers, Hash, windowLength, windowStride);
    }

    internal override void Encode(int[] ids, RangeEncoder coder, Action<int> count)
    {
        if (ids.Length == 0)
            return;
        Frequencies shares = new(Tokenizer.VocabularySize);
        int[] text = Text(ids, out int known);
        if (known == 0)
        {
            shares.SetUniform();
            shares.Encode(coder, ids[0]);
            count(1);
        }
        using Reading reading = new(decoder, workers, length, stride);
        for (int place = 0, last = text.Length - 1; place < last;)
        {
            int some = Math.Min(Math.Min(RowsOfPass, reading.Room(text.AsMemory(0, place))), last - place);
            Tensor logits = reading.Read(text.AsMemory(place, some));
            for (int row = 0; row < some; row++)
            {
                shares.SetLogits(reading.Row(logits, row));
                shares.Encode(coder, text[place + row + 1]);
            }
            reading.Done();
            count(some);
            place += some;
        }
    }

    internal override int[] Decode(int tokens, RangeDecoder coder, Action<int> count)
    {
        if (tokens == 0)
            return [];
        Frequencies shares = new(Tokenizer.VocabularySize);
        int[] text = Text([], out int known);
        if (known == 0)
        {
            shares.SetUniform();
            text = [shares.Decode(coder)];
            count(1);
        }
        using Reading reading = new(decoder, workers, length, stride);
        // The head says how many there are; memory is taken for those that came.
        int all = checked(known + tokens);
        for (int place = 0; place < all - 1; place++)
        {
            reading.Room(text.AsMemory(0, place));
            shares.SetLogits(reading.Row(reading.Read(text.AsMemory(place, 1)), 0));
            if (place + 1 == text.Length)
                Array.Resize(ref text, (int)Math.Min(all, 2L * text.Length + 64));
            text[place + 1] = shares.Decode(coder);
            reading.Done();
            count(1);
        }
        return text[known..];
    }

    // The ids behind the one that begins a text; how many of them are known.
    private int[] Text(int[] ids, out int known)
    {
        int? begin = decoder.Config.BeginId ?? decoder.Config.EndId;
        known = begin is null ? 0 : 1;
        return [.. begin is { } id ? (ReadOnlySpan<int>)[id] : [], .. ids];
    }

    /// <summary>A window over a text.</summary>
    private sealed class Reading(Decoder decoder, Workers workers, int length, int stride) : IDisposable
    {
        private readonly Tape tape = new(workers, decoder.Parameters) { Recording = false };
        private SequenceState state = decoder.NewState();

        /// <summary>How many more tokens fit; a full window has moved, and read its context, before.</summary>
        public int Room(ReadOnlyMemory<int> before)
        {
            if (state.Length < length)
                return length - state.Length;
            state.Dispose();
            state = decoder.NewState();
            int context = length - stride;
            if (context > 0)
            {
                decoder.Hidden(tape, Rows.One(before[^context..], state));
                tape.Rewind();
            }
            return stride;
        }

        public Tensor Read(ReadOnlyMemory<int> ids) => decoder.Logits(tape, Rows.One(ids, state));

        public ReadOnlySpan<float> Row(Tensor logits, int row) => tape[logits].Slice(row * decoder.VocabularySize, decoder.VocabularySize);

        public void Done() => tape.Rewind();

        public void Dispose()
        {
            state.Dispose();
            tape.Dispose();
        }
    }
}
