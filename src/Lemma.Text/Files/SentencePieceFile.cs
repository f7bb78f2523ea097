using Lemma.Formats;

namespace Lemma.Text.Files;

/// <summary>The .model files of SentencePiece: a protocol buffers message of pieces, how they were trained, and a normalizer.</summary>
internal static class SentencePieceFile
{
    /// <summary>Reads a .model file.</summary>
    public static Tokenizer Read(string path)
    {
        byte[] bytes = FileBytes.Read(path);
        try
        {
            return Read(bytes).Build();
        }
        catch (Exception error) when (error is InvalidDataException or ArgumentException)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}: {error.Message}", error);
        }
    }

    private static SentencePieceVocabulary Read(ReadOnlySpan<byte> file)
    {
        SentencePieceVocabulary vocabulary = new();
        ProtobufReader model = new(file, "the model");
        while (model.Next())
            switch (model.Field)
            {
                case 1:
                    ReadPiece(model.Bytes, vocabulary);
                    break;
                case 2:
                    ReadTrainer(model.Bytes, vocabulary);
                    break;
                case 3:
                    ReadNormalizer(model.Bytes, vocabulary);
                    break;
            }
        if (vocabulary.Pieces.Count == 0)
            throw new InvalidDataException("the model must have pieces, but has none");
        return vocabulary;
    }

    private static void ReadPiece(ReadOnlySpan<byte> bytes, SentencePieceVocabulary vocabulary)
    {
        ProtobufReader piece = new(bytes, $"piece {vocabulary.Pieces.Count}");
        (string text, double score, PieceKind kind) = ("", 0, PieceKind.Normal);
        while (piece.Next())
            switch (piece.Field)
            {
                case 1:
                    text = piece.Text;
                    break;
                case 2:
                    score = piece.Real;
                    break;
                case 3:
                    kind = piece.Number is >= 1 and <= 6 ? (PieceKind)piece.Number
                        : throw new InvalidDataException($"piece {vocabulary.Pieces.Count}: the kind must be 1 to 6, but is {piece.Number}");
                    break;
            }
        vocabulary.Pieces.Add((text, score, kind));
    }

    private static void ReadTrainer(ReadOnlySpan<byte> bytes, SentencePieceVocabulary vocabulary)
    {
        ProtobufReader trainer = new(bytes, "the trainer's settings");
        while (trainer.Next())
            if (trainer.Field == 3)
                vocabulary.Algorithm = trainer.Number is >= 1 and <= 4 ? (SentencePieceAlgorithm)trainer.Number
                    : throw new InvalidDataException($"the model must be of a kind 1 to 4, but is of {trainer.Number}");
            else if (trainer.Field == 24)
                vocabulary.MarkIsSuffix = trainer.Number != 0;
            else if (trainer.Field == 35)
                vocabulary.ByteFallback = trainer.Number != 0;
    }

    private static void ReadNormalizer(ReadOnlySpan<byte> bytes, SentencePieceVocabulary vocabulary)
    {
        ProtobufReader normalizer = new(bytes, "the normalizer's settings");
        while (normalizer.Next())
            switch (normalizer.Field)
            {
                case 2:
                    vocabulary.CharacterMap = normalizer.Bytes.ToArray();
                    break;
                case 3:
                    vocabulary.AddsSpace = normalizer.Number != 0;
                    break;
                case 4:
                    vocabulary.RemovesSpaces = normalizer.Number != 0;
                    break;
                case 5:
                    vocabulary.MarksSpaces = normalizer.Number != 0;
                    break;
            }
    }
}
