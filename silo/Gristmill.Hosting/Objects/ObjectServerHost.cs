using System.Net;
using System.Net.Sockets;
using Gristmill.Objects;
using Gristmill.Objects.Transfer;

namespace Gristmill.Hosting;

/// <summary>The server that other hosts read objects from. It listens when the first is offered: a silo that is alone never does.</summary>
internal sealed class ObjectServerHost : IAsyncDisposable
{
    private readonly Lazy<ObjectServer> _server;

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the port that was chosen for it is in use.</exception>
    public ObjectServerHost(ObjectStore store, GristmillOptions options)
    {
        _server = new(() => new ObjectServer(store, new IPEndPoint(IPAddress.Parse(options.Address), options.ObjectPort)));
        if (options.ObjectPort != 0)
        {
            // One that was told is opened at once: who chose it learns now that it is taken.
            try
            {
                _ = _server.Value;
            }
            catch (SocketException e)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"Objects cannot be served at {options.Address}:{options.ObjectPort}: {e.Message}.", "Choose another Gristmill:ObjectPort or Gristmill:Address, or 0 for a free port.", e);
            }
        }
    }

    public ObjectServer Value => _server.Value;

    public ValueTask DisposeAsync() => _server.IsValueCreated ? _server.Value.DisposeAsync() : ValueTask.CompletedTask;
}
